//! Whole programs are separate crates, so they may have attributes. No attribute changes what they are
//! compiled to.

use code_evolution_wire::task::Task;

use super::{Harmless, NotCompiled, attacks};

/// Returns a program with these attributes.
fn program(attributes: &str) -> (Task, String) {
    let task = Task::new("fn main()");
    (task, format!("{attributes}\nfn main() {{ println!(\"ran\") }}"))
}

attacks! { Program:
    proc_macro => Harmless, program("#![crate_type = \"proc-macro\"]");
    dylib => Harmless, program("#![crate_type = \"cdylib\"]");
    staticlib => Harmless, program("#![crate_type = \"staticlib\"]");
    crate_name_upwards => NotCompiled, program("#![crate_name = \"../escape\"]");
    no_main => NotCompiled, program("#![no_main]");
    feature => NotCompiled, program("#![feature(core_intrinsics)]");
    module => NotCompiled, program("#[path = \"/etc/passwd\"] mod m;");
    allocator => NotCompiled, program("#[global_allocator] static A: u8 = 0;");
    panic_handler => NotCompiled,
        program("#![no_std]\n#[panic_handler] fn p(_: &core::panic::PanicInfo) -> ! { loop {} }");
    secret_in_the_documentation => NotCompiled, program("#![doc = include_str!(\"SECRET\")]");
    secret_in_the_environment => NotCompiled, program("const _: &str = env!(\"OPENAI_API_KEY\");");
}
