//! Writes the small program around a candidate.

use super::signature::Signature;
use super::toolchain::HARNESS_CRATE;

/// Writes `main.rs`: the candidate (and the driver) as modules, and a `main` that serves the function of this
/// signature. It names the function's type first: for a candidate with another signature, rustc then says
/// "expected fn pointer .., found fn item ..".
pub fn main_file(signature: &Signature, with_driver: bool) -> String {
    let caller = if with_driver { "driver" } else { "candidate" };
    let name = &signature.name;
    let pointer = &signature.pointer;
    let mut reads = String::new();
    let mut arguments = Vec::new();
    for (index, parameter) in signature.parameters.iter().enumerate() {
        let (owned, borrowed) = parameter.owned();
        reads.push_str(&format!("    let p{index}: {owned} = input.take();\n"));
        arguments.push(format!("{}p{index}", if borrowed { "&" } else { "" }));
    }
    let arguments = arguments.join(", ");
    // The driver comes before the candidate, so the candidate's macros cannot reach it.
    let driver = if with_driver { "#[allow(warnings)]\nmod driver;\n" } else { "" };
    format!(
        "{driver}mod candidate;\n\
         #[allow(unused)]\n\
         fn call(input: &mut {HARNESS_CRATE}::Input<'_>, output: &mut ::std::vec::Vec<u8>) {{\n    \
         use ::std::collections::{{BTreeMap, BTreeSet, HashMap, HashSet}};\n    \
         let function: {pointer} = {caller}::{name};\n\
         {reads}    \
         {HARNESS_CRATE}::Encode::encode(&function({arguments}), output);\n\
         }}\n\
         fn main() {{\n    \
         {HARNESS_CRATE}::serve(call);\n\
         }}\n"
    )
}

/// Writes `driver.rs`: the task's driver, and the names that it may use.
pub fn driver_file(source: &str) -> String {
    format!("{source}\n#[allow(unused_imports)]\nuse super::*;\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borrowed_parameters_are_read_as_what_they_borrow() {
        let signature =
            Signature::parse("fn f(words: &[String], text: &str, n: u8) -> u8").unwrap();
        let main = main_file(&signature, false);
        assert!(main.contains("let p0: Vec<String> = input.take();"), "{main}");
        assert!(main.contains("encode(&function(&p0, p1, p2), output)"), "{main}");
        assert!(main.contains("= candidate::f;"), "{main}");
    }

    #[test]
    fn a_driver_is_called_in_the_candidates_place() {
        let signature = Signature::parse("fn calls(failures: u32) -> u32").unwrap();
        let main = main_file(&signature, true);
        assert!(main.starts_with("#[allow(warnings)]\nmod driver;\nmod candidate;"), "{main}");
        assert!(main.contains("= driver::calls;"), "{main}");
    }
}
