//! Writes a task's properties as Rust conditions on `got`, a reference to the output.

use code_evolution_wire::task::Property;
use serde_json::Value;

use super::literal::{elements, literal};
use crate::judge::{Signature, Type, all_alike};

/// Returns the condition for the output of this input; `Ok(None)` if the property is for another input.
///
/// # Errors
/// If the property has no form in Rust here.
pub fn condition(
    property: &Property,
    signature: &Signature,
    input: &[Value],
) -> Result<Option<String>, ()> {
    let number = |at: &str| match resolve(&signature.output, at).ok_or(())? {
        (place, Type::Integer { .. } | Type::Float { .. }) => Ok(format!("(*{place} as f64)")),
        _ => Err(()),
    };
    Ok(Some(match property {
        Property::ForInput { input: wanted, property } => {
            return match all_alike(wanted, input) {
                true => condition(property, signature, input),
                false => Ok(None),
            };
        }
        Property::Between { at, min, max } => {
            format!("({min:?}..={max:?}).contains(&{})", number(at)?)
        }
        Property::Labelled { number: at, label, bands } => {
            let label = text(resolve(&signature.output, label).ok_or(())?)?;
            let bands: String =
                bands.iter().map(|(start, name)| format!("({start:?}, {name:?}), ")).collect();
            format!("label_of({}, &[{bands}]) == Some({label})", number(at)?)
        }
        Property::OneOf { at, values } => {
            let (place, ty) = resolve(&signature.output, at).ok_or(())?;
            let known: Vec<String> = values.iter().filter_map(|value| literal(ty, value)).collect();
            if known.is_empty() {
                return Err(());
            }
            format!("[{}].iter().any(|one| one == {place})", known.join(", "))
        }
        Property::Ascending => match &signature.output {
            Type::List(inner) | Type::Slice(inner) | Type::Array(inner, _) if has_order(inner) => {
                "got.windows(2).all(|pair| pair[0] <= pair[1])".to_owned()
            }
            _ => return Err(()),
        },
        Property::PermutationOf(index) => {
            let (Some(ty), Some(value)) = (signature.parameters.get(*index), input.get(*index))
            else {
                return Err(());
            };
            let inner = list_of(ty).ok_or(())?;
            list_of(&signature.output).ok_or(())?;
            let elements = elements(inner, value).ok_or(())?;
            match elements.is_empty() {
                true => "got.is_empty()".to_owned(),
                false => format!("same_elements(got, &[{elements}])"),
            }
        }
    }))
}

/// Returns the element type of a list, borrowed or not.
fn list_of(ty: &Type) -> Option<&Type> {
    match ty {
        Type::List(inner) | Type::Slice(inner) | Type::Array(inner, _) => Some(inner),
        Type::Reference(inner) => list_of(inner),
        _ => None,
    }
}

/// Returns whether Rust orders values of the type as the judge does.
fn has_order(ty: &Type) -> bool {
    match ty {
        Type::Bool
        | Type::Char
        | Type::Integer { .. }
        | Type::Float { .. }
        | Type::Text
        | Type::Str => true,
        Type::Tuple(types) => types.iter().all(has_order),
        Type::List(inner) | Type::Slice(inner) | Type::Array(inner, _) | Type::Reference(inner) => {
            has_order(inner)
        }
        _ => false,
    }
}

/// Returns the place that a JSON pointer names, as an expression of a reference, and its type.
fn resolve<'a>(output: &'a Type, at: &str) -> Option<(String, &'a Type)> {
    let mut place = "got".to_owned();
    let mut ty = output;
    let tokens = at.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~"));
    for token in tokens {
        (place, ty) = through_option(place, ty);
        (place, ty) = match ty {
            Type::Tuple(types) => {
                let index: usize = token.parse().ok()?;
                (format!("(&{place}.{index})"), types.get(index)?)
            }
            Type::List(inner) | Type::Slice(inner) | Type::Array(inner, _) => {
                (format!("(&{place}[{}])", token.parse::<usize>().ok()?), &**inner)
            }
            Type::Map(_, key, inner) if matches!(**key, Type::Text | Type::Str) => {
                (format!("(&{place}[{token:?}])"), &**inner)
            }
            Type::Result(ok, _) if token == "Ok" => {
                (format!("{place}.as_ref().ok().expect(\"an Ok\")"), &**ok)
            }
            Type::Result(_, err) if token == "Err" => {
                (format!("{place}.as_ref().err().expect(\"an Err\")"), &**err)
            }
            _ => return None,
        };
    }
    Some(through_option(place, ty))
}

/// Enters an `Option`, because JSON writes the value of a `Some` without an extra level.
fn through_option(mut place: String, mut ty: &Type) -> (String, &Type) {
    while let Type::Option(inner) = ty {
        place = format!("{place}.as_ref().expect(\"a Some\")");
        ty = inner;
    }
    (place, ty)
}

fn text((place, ty): (String, &Type)) -> Result<String, ()> {
    match ty {
        Type::Text => Ok(format!("{place}.as_str()")),
        Type::Str => Ok(format!("*{place}")),
        _ => Err(()),
    }
}
