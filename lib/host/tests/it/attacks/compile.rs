//! Attacks by hostile source while it is compiled. The expected value of the only case is a canary, which
//! must not be known in the jail.

use code_evolution_wire::task::Task;

use super::{Harmless, NotCompiled, attacks};

const EMPTY: &str = "pub fn f() -> String { String::new() }";

fn task() -> Task {
    Task::new("fn f() -> String").hidden_case((), "the canary, in the process that judges")
}

/// Returns a function that returns this expression.
fn returns(expression: &str) -> (Task, String) {
    (task(), format!("pub fn f() -> String {{ {expression} }}"))
}

/// Returns a function that returns the bytes of this file.
fn bytes(path: &str) -> (Task, String) {
    returns(&format!("format!(\"{{:?}}\", include_bytes!({path:?}))"))
}

/// Returns these items, and a function that returns nothing.
fn with(items: &str) -> (Task, String) {
    (task(), format!("{items}\n{EMPTY}"))
}

fn assembly(text: &str) -> (Task, String) {
    with(&format!("std::arch::global_asm!(r#\"{text}\"#);"))
}

attacks! { Compile:
    env => NotCompiled, returns("env!(\"OPENAI_API_KEY\").into()");
    option_env => Harmless, returns("option_env!(\"OPENAI_API_KEY\").unwrap_or(\"none\").into()");
    env_by_an_alias => NotCompiled,
        (task(), "use std::env as read;\npub fn f() -> String { read!(\"OPENAI_API_KEY\").into() }");
    env_home => NotCompiled, returns("env!(\"HOME\").into()");
    env_path_is_the_jails => Harmless, returns("env!(\"PATH\").into()");
    env_in_an_attribute => NotCompiled, with("#[doc = env!(\"OPENAI_API_KEY\")] pub struct S;");
    env_in_a_compile_error => NotCompiled, with("compile_error!(concat!(env!(\"OPENAI_API_KEY\")));");

    include_str => NotCompiled, returns("include_str!(\"SECRET\").into()");
    include_bytes => NotCompiled, bytes("SECRET");
    include => NotCompiled, returns("include!(\"SECRET\").into()");
    include_by_a_macros_argument => NotCompiled, (
        task(),
        "macro_rules! call { ($name:ident, $path:expr) => { $name!($path) } }
        pub fn f() -> String { call!(include, \"SECRET\").into() }"
    );
    include_in_an_attribute => NotCompiled, with("#[doc = include_str!(\"SECRET\")] pub struct S;");
    path_attribute => NotCompiled, with("#[path = \"SECRET\"] mod stolen;");
    path_attribute_upwards => NotCompiled,
        with("#[path = \"../../../../../../etc/passwd\"] mod stolen;");
    passwd => NotCompiled, returns("include_str!(\"/etc/passwd\").into()");
    passwd_upwards => NotCompiled, returns("include_str!(\"../../../../../../etc/passwd\").into()");
    shadow => NotCompiled, bytes("/etc/shadow");
    hostname => NotCompiled, bytes("/etc/hostname");
    own_environ => NotCompiled, bytes("/proc/self/environ");
    own_environ_by_include => NotCompiled, returns("include!(\"/proc/self/environ\")");
    parents_environ => NotCompiled, bytes("/proc/HOST/environ");
    parents_memory => NotCompiled, bytes("/proc/HOST/mem");
    parents_open_files => NotCompiled, bytes("/proc/HOST/fd/0");
    own_command_line => NotCompiled, bytes("/proc/self/cmdline");
    own_root => NotCompiled, bytes("/proc/self/root/etc/passwd");
    own_working_folder => Harmless, bytes("/proc/self/cwd/main.rs");
    an_open_descriptor => NotCompiled, bytes("/dev/fd/0");
    dev_zero => NotCompiled, bytes("/dev/zero");
    dev_random => NotCompiled, bytes("/dev/random");
    dev_stdin => NotCompiled, bytes("/dev/stdin");
    dev_tty => NotCompiled, bytes("/dev/tty");
    kernel_log => NotCompiled, bytes("/dev/kmsg");
    rustups_settings => NotCompiled, bytes("HOME/.rustup/settings.toml");
    cargos_credentials => NotCompiled, bytes("HOME/.cargo/credentials.toml");
    cargos_configuration => NotCompiled, bytes("HOME/.cargo/config.toml");
    ssh_key => NotCompiled, bytes("HOME/.ssh/id_ed25519");
    shell_history => NotCompiled, bytes("HOME/.bash_history");
    kept_verdicts => NotCompiled, bytes("HOME/../audit.jsonl");
    the_program_around_it => Harmless, returns("include_str!(\"main.rs\").into()");
    the_folder => NotCompiled, returns("include_str!(\".\").into()");
    file_and_module_path => Harmless, returns("format!(\"{}{}\", file!(), module_path!())");

    incbin => NotCompiled, assembly(".incbin \"SECRET\"");
    incbin_of_passwd => NotCompiled, assembly(".incbin \"/etc/passwd\"");
    assembly_include => NotCompiled, assembly(".include \"SECRET\"");
    link_a_file => Harmless,
        with("#[link(name = \"SECRET\", kind = \"static\")] unsafe extern \"C\" {}");
    link_by_exact_name => Harmless,
        with("#[link(name = \":SECRET\", kind = \"dylib\")] unsafe extern \"C\" {}");
    link_arguments => NotCompiled, with("#![link_args = \"-Wl,/etc/passwd\"]");
    linker_script_by_section => Harmless,
        with("#[unsafe(link_section = \".note\\n/etc/passwd\")] pub static A: u8 = 0;");
    linker_directive => NotCompiled, assembly(
        ".section .deplibs,\"MS\",@llvm_dependent_libraries,1\n.asciz \"SECRET\"\n.text"
    );

    rustc_private => NotCompiled, with("#![feature(rustc_private)]\nextern crate rustc_driver;");
    the_compilers_crates => NotCompiled, with("extern crate rustc_span;");
    proc_macro => NotCompiled, with(
        "extern crate proc_macro;
        #[proc_macro] pub fn m(t: proc_macro::TokenStream) -> proc_macro::TokenStream { t }"
    );
    crate_type_in_a_module => Harmless, (task(), format!("#![crate_type = \"proc-macro\"]\n{EMPTY}"));
    feature => Harmless, (task(), format!("#![feature(asm_experimental_arch)]\n{EMPTY}"));

    endless_polymorphic_recursion => NotCompiled, (
        task(),
        "fn r<T>(t: T) -> usize { r((t, 1u8)) }\npub fn f() -> String { r(0u8).to_string() }"
    );
    type_recursion => NotCompiled, with("pub struct S(S);");
    static_of_8_gb => NotCompiled, (
        task(),
        "static A: [u8; 8 << 30] = [1; 8 << 30];\npub fn f() -> String { A[7].to_string() }"
    );
}
