//! Reads a task's signature into types whose values can cross the jail.

use std::fmt;

use quote::ToTokens;
use syn::{FnArg, GenericArgument, GenericParam, Pat, PathArguments, ReturnType};

/// The deepest nesting of a type.
const MAX_DEPTH: usize = 16;
/// The longest array.
const MAX_ARRAY: usize = 65_536;
/// The longest signature, in bytes.
const MAX_SIGNATURE: usize = 4_096;

/// A type that can cross the jail. Displays as Rust writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// `()`
    Unit,
    /// `bool`
    Bool,
    /// `char`
    Char,
    /// An integer; `usize` and `isize` have 64 bits.
    Integer {
        /// 8, 16, 32, 64 or 128.
        bits: u32,
        /// Whether the integer has a sign.
        signed: bool,
        /// The type's name in Rust.
        name: &'static str,
    },
    /// `f32` or `f64`
    Float {
        /// 32 or 64.
        bits: u32,
    },
    /// `String`
    Text,
    /// `&str`
    Str,
    /// `Option<T>`
    Option(Box<Type>),
    /// `Result<T, E>`
    Result(Box<Type>, Box<Type>),
    /// `(A, B)`
    Tuple(Vec<Type>),
    /// `Vec<T>`
    List(Box<Type>),
    /// `&[T]`
    Slice(Box<Type>),
    /// `[T; N]`
    Array(Box<Type>, usize),
    /// `HashMap<K, V>` or `BTreeMap<K, V>`, with its name.
    Map(&'static str, Box<Type>, Box<Type>),
    /// `HashSet<T>` or `BTreeSet<T>`, with its name.
    Set(&'static str, Box<Type>),
    /// `&T`, where `T` is none of the references above.
    Reference(Box<Type>),
}

/// The function that a candidate (or a driver) must define.
#[derive(Debug, Clone)]
pub struct Signature {
    /// The function's name.
    pub name: String,
    /// The parameters' names, in order; `_` where the signature has `_`.
    pub names: Vec<String>,
    /// The parameters' types, in order.
    pub parameters: Vec<Type>,
    /// The type that the function returns.
    pub output: Type,
    /// The function's type: `fn(u32) -> String`.
    pub pointer: String,
}

const INTEGERS: [(&str, u32, bool); 12] = [
    ("i8", 8, true),
    ("i16", 16, true),
    ("i32", 32, true),
    ("i64", 64, true),
    ("i128", 128, true),
    ("isize", 64, true),
    ("u8", 8, false),
    ("u16", 16, false),
    ("u32", 32, false),
    ("u64", 64, false),
    ("u128", 128, false),
    ("usize", 64, false),
];

impl Signature {
    /// Reads `fn name(parameter: Type, ..) -> Type`.
    ///
    /// # Errors
    /// Names the type (or the part) that cannot cross the jail.
    pub fn parse(signature: &str) -> Result<Signature, String> {
        if signature.len() > MAX_SIGNATURE {
            return Err(format!("the signature is longer than {MAX_SIGNATURE} bytes; shorten it"));
        }
        let head = signature.trim().trim_end_matches(';').trim_end();
        if nesting(head) > MAX_DEPTH {
            return Err(format!(
                "the signature nests its types deeper than {MAX_DEPTH}; use flatter types"
            ));
        }
        let item: syn::ItemFn = syn::parse_str(&format!("{head} {{}}")).map_err(|error| {
            format!(
                "`{head}` is not a function signature ({error}); write it like \
                 `fn fizzbuzz(n: u32) -> String`"
            )
        })?;
        if !item.block.stmts.is_empty() {
            return Err(format!("`{head}` has a body; give the signature alone"));
        }
        let unsupported = |what: &str| {
            Err(format!(
                "the signature of `{}` {what}, which cannot cross the jail; give the task a driver \
                 with a plain signature",
                item.sig.ident
            ))
        };
        if item.sig.asyncness.is_some() {
            return unsupported("is async");
        }
        if item.sig.abi.is_some() || item.sig.variadic.is_some() {
            return unsupported("is extern");
        }
        let mut lifetimes = Vec::new();
        for parameter in &item.sig.generics.params {
            match parameter {
                GenericParam::Lifetime(lifetime) => {
                    lifetimes.push(lifetime.lifetime.to_string());
                }
                other => {
                    return unsupported(&format!("is generic over `{}`", text(other)));
                }
            }
        }
        let mut names = Vec::new();
        let mut parameters = Vec::new();
        let mut types = Vec::new();
        for input in &item.sig.inputs {
            let FnArg::Typed(input) = input else {
                return unsupported("takes `self`");
            };
            if !matches!(*input.pat, Pat::Ident(_) | Pat::Wild(_)) {
                return unsupported(&format!("takes apart its parameter `{}`", text(&input.pat)));
            }
            names.push(match &*input.pat {
                Pat::Ident(name) => name.ident.to_string(),
                _ => "_".to_owned(),
            });
            parameters.push(read(&input.ty)?);
            types.push(text(&input.ty));
        }
        let (output, returns) = match &item.sig.output {
            ReturnType::Default => (Type::Unit, String::new()),
            ReturnType::Type(_, ty) => (read(ty)?, format!(" -> {}", text(ty))),
        };
        let binder = match lifetimes.is_empty() {
            true => String::new(),
            false => format!("for<{}> ", lifetimes.join(", ")),
        };
        Ok(Signature {
            name: item.sig.ident.to_string(),
            names,
            parameters,
            output,
            pointer: format!("{binder}fn({}){returns}", types.join(", ")),
        })
    }
}

fn nesting(text: &str) -> usize {
    let (mut depth, mut deepest) = (0usize, 0);
    for byte in text.bytes() {
        match byte {
            b'<' | b'(' | b'[' | b'{' | b'&' => depth += 1,
            b'>' | b')' | b']' | b'}' | b',' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

fn text(tokens: &impl ToTokens) -> String {
    tokens.to_token_stream().to_string()
}

fn unsupported(ty: &syn::Type, why: &str) -> String {
    format!(
        "the type `{}` cannot cross the jail: {why}; use integers, floats, bool, char, String, \
         Option, Result, tuples, Vec, arrays, HashMap, BTreeMap, HashSet, BTreeSet or references \
         to them, or give the task a driver",
        text(ty)
    )
}

fn read(ty: &syn::Type) -> Result<Type, String> {
    match ty {
        syn::Type::Paren(inner) => read(&inner.elem),
        syn::Type::Group(inner) => read(&inner.elem),
        syn::Type::Tuple(tuple) if tuple.elems.is_empty() => Ok(Type::Unit),
        syn::Type::Tuple(tuple) if tuple.elems.len() <= 6 => {
            Ok(Type::Tuple(tuple.elems.iter().map(read).collect::<Result<_, _>>()?))
        }
        syn::Type::Tuple(_) => Err(unsupported(ty, "it has more than six elements")),
        syn::Type::Array(array) => match text(&array.len).parse() {
            Ok(length) if length <= MAX_ARRAY => {
                Ok(Type::Array(Box::new(read(&array.elem)?), length))
            }
            _ => Err(unsupported(ty, "its length must be a plain number up to 65536")),
        },
        syn::Type::Reference(reference) if reference.mutability.is_some() => {
            Err(unsupported(ty, "a change made through it would not come back"))
        }
        syn::Type::Reference(reference) => match &*reference.elem {
            syn::Type::Path(path) if path.path.is_ident("str") => Ok(Type::Str),
            syn::Type::Slice(slice) => Ok(Type::Slice(Box::new(read(&slice.elem)?))),
            other => Ok(Type::Reference(Box::new(read(other)?))),
        },
        syn::Type::Path(path) if path.qself.is_none() => read_path(ty, path),
        _ => Err(unsupported(ty, "it is not plain data")),
    }
}

fn read_path(ty: &syn::Type, path: &syn::TypePath) -> Result<Type, String> {
    let Some(segment) = path.path.segments.last() else {
        return Err(unsupported(ty, "it has no name"));
    };
    let name = segment.ident.to_string();
    let arguments: Vec<Type> = match &segment.arguments {
        PathArguments::None => Vec::new(),
        PathArguments::AngleBracketed(arguments) => arguments
            .args
            .iter()
            .map(|argument| match argument {
                GenericArgument::Type(inner) => read(inner),
                _ => Err(unsupported(ty, "it has an argument that is not a type")),
            })
            .collect::<Result<_, _>>()?,
        PathArguments::Parenthesized(_) => return Err(unsupported(ty, "it is a function")),
    };
    let mut arguments = arguments.into_iter().map(Box::new);
    let read = match (name.as_str(), arguments.len()) {
        ("bool", 0) => Type::Bool,
        ("char", 0) => Type::Char,
        ("f32", 0) => Type::Float { bits: 32 },
        ("f64", 0) => Type::Float { bits: 64 },
        ("String", 0) => Type::Text,
        ("Vec", 1) => Type::List(next(&mut arguments)),
        ("Option", 1) => Type::Option(next(&mut arguments)),
        ("Result", 2) => Type::Result(next(&mut arguments), next(&mut arguments)),
        ("HashMap" | "BTreeMap", 2) => {
            let hashed = name == "HashMap";
            let key = next(&mut arguments);
            check_key(ty, &key, hashed)?;
            let name = if hashed { "HashMap" } else { "BTreeMap" };
            Type::Map(name, key, next(&mut arguments))
        }
        ("HashSet" | "BTreeSet", 1) => {
            let hashed = name == "HashSet";
            let element = next(&mut arguments);
            check_key(ty, &element, hashed)?;
            Type::Set(if hashed { "HashSet" } else { "BTreeSet" }, element)
        }
        _ => match INTEGERS.iter().find(|(integer, ..)| *integer == name) {
            Some(&(name, bits, signed)) => Type::Integer { bits, signed, name },
            None => return Err(unsupported(ty, "the judge does not know it")),
        },
    };
    Ok(read)
}

/// Returns the next argument; the caller has already counted them.
fn next(arguments: &mut impl Iterator<Item = Box<Type>>) -> Box<Type> {
    arguments.next().unwrap_or_else(|| Box::new(Type::Unit))
}

fn check_key(whole: &syn::Type, key: &Type, hashed: bool) -> Result<(), String> {
    let found = match key {
        Type::Float { .. } => Some("a float"),
        Type::Map("HashMap", ..) | Type::Set("HashSet", _) => Some("a hash map or set"),
        _ => None,
    };
    if let Some(found) = found {
        let trait_name = if hashed { "Hash" } else { "Ord" };
        return Err(unsupported(whole, &format!("{found} as a key is not `{trait_name}`")));
    }
    match key {
        Type::Option(inner)
        | Type::List(inner)
        | Type::Slice(inner)
        | Type::Array(inner, _)
        | Type::Set(_, inner)
        | Type::Reference(inner) => check_key(whole, inner, hashed),
        Type::Result(first, second) | Type::Map(_, first, second) => {
            check_key(whole, first, hashed)?;
            check_key(whole, second, hashed)
        }
        Type::Tuple(elements) => {
            elements.iter().try_for_each(|element| check_key(whole, element, hashed))
        }
        _ => Ok(()),
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Unit => f.write_str("()"),
            Type::Bool => f.write_str("bool"),
            Type::Char => f.write_str("char"),
            Type::Integer { name, .. } => f.write_str(name),
            Type::Float { bits } => write!(f, "f{bits}"),
            Type::Text => f.write_str("String"),
            Type::Str => f.write_str("&str"),
            Type::Option(inner) => write!(f, "Option<{inner}>"),
            Type::Result(ok, err) => write!(f, "Result<{ok}, {err}>"),
            Type::Tuple(elements) => {
                f.write_str("(")?;
                for element in elements {
                    write!(f, "{element}, ")?;
                }
                f.write_str(")")
            }
            Type::List(inner) => write!(f, "Vec<{inner}>"),
            Type::Slice(inner) => write!(f, "&[{inner}]"),
            Type::Array(inner, length) => write!(f, "[{inner}; {length}]"),
            Type::Map(name, key, value) => write!(f, "{name}<{key}, {value}>"),
            Type::Set(name, element) => write!(f, "{name}<{element}>"),
            Type::Reference(inner) => write!(f, "&{inner}"),
        }
    }
}

impl Type {
    /// Returns the type that the harness reads for a parameter, and whether the call borrows the value.
    pub fn owned(&self) -> (String, bool) {
        match self {
            Type::Slice(inner) => (format!("Vec<{inner}>"), true),
            Type::Reference(inner) => (inner.to_string(), true),
            other => (other.to_string(), false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_signatures_are_read() {
        let signature =
            Signature::parse("pub fn count(words: &[&str], mut n: usize) -> HashMap<String, f64>;")
                .unwrap();
        assert_eq!(signature.name, "count");
        assert_eq!(signature.parameters[0].to_string(), "&[&str]");
        assert_eq!(signature.parameters[0].owned(), ("Vec<&str>".to_owned(), true));
        assert_eq!(signature.output.to_string(), "HashMap<String, f64>");
    }

    #[test]
    fn lifetimes_become_a_binder() {
        let signature =
            Signature::parse("fn longer<'a>(a: &'a str, b: &'a str) -> &'a str").unwrap();
        assert_eq!(signature.pointer, "for<'a> fn(& 'a str, & 'a str) -> & 'a str");
    }

    #[test]
    fn types_that_cannot_cross_are_named() {
        for (signature, named) in [
            ("fn f(x: Box<dyn Fn(i32)>)", "dyn Fn (i32)"),
            ("fn f(x: &mut Vec<i32>)", "& mut Vec < i32 >"),
            ("fn f(x: HashMap<f64, u8>)", "HashMap < f64 , u8 >"),
            ("fn f<T: Ord>(x: Vec<T>) -> T", "T : Ord"),
            ("fn f(x: impl Fn(u8) -> u8)", "impl Fn (u8) -> u8"),
            ("fn f(self)", "self"),
            ("async fn f()", "async"),
            ("fn f(x: Point)", "Point"),
            ("fn f(x: [u8; N])", "[u8 ; N]"),
            ("fn f() { loop {} }", "function signature"),
            ("let x = 3", "let x = 3"),
        ] {
            let error = Signature::parse(signature).unwrap_err();
            assert!(error.contains(named), "{signature}: {error}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = format!("fn f(x: {}u8{})", "Vec<".repeat(100), ">".repeat(100));
        assert!(Signature::parse(&deep).unwrap_err().contains("deeper"));
    }
}
