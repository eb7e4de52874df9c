//! Decides whether an output is right: by equality with a tolerance, and by properties.

use code_evolution_wire::task::Property;
use serde_json::Value;

use super::signature::Type;

/// Returns whether two values of a type, as the codec writes them, are equal. Floats may differ by the
/// fraction `tolerance` of the larger one. NaN equals NaN. Sets and maps have no order.
pub fn equal(ty: &Type, left: &Value, right: &Value, tolerance: f64) -> bool {
    match (ty, left, right) {
        (Type::Float { .. }, left, right) => same_float(number(left), number(right), tolerance),
        (Type::Option(inner), left, right) => match (some(left), some(right)) {
            (Some(left), Some(right)) => equal(inner, left, right, tolerance),
            (left, right) => left.is_none() == right.is_none(),
        },
        (Type::Result(ok, err), Value::Object(left), Value::Object(right)) => {
            let same = |name, ty| match (left.get(name), right.get(name)) {
                (Some(left), Some(right)) => equal(ty, left, right, tolerance),
                _ => false,
            };
            same("Ok", ok) || same("Err", err)
        }
        (Type::Tuple(types), Value::Array(left), Value::Array(right)) => {
            left.len() == right.len()
                && types
                    .iter()
                    .zip(left.iter().zip(right))
                    .all(|(ty, (left, right))| equal(ty, left, right, tolerance))
        }
        (
            Type::List(inner) | Type::Slice(inner) | Type::Array(inner, _),
            Value::Array(left),
            Value::Array(right),
        ) => {
            left.len() == right.len()
                && left.iter().zip(right).all(|(left, right)| equal(inner, left, right, tolerance))
        }
        (Type::Map(_, _, inner), Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, left)| {
                    right.get(key).is_some_and(|right| equal(inner, left, right, tolerance))
                })
        }
        (Type::Map(_, key, inner), Value::Array(left), Value::Array(right)) => {
            left.len() == right.len()
                && left.iter().zip(right).all(|(left, right)| {
                    equal(key, &left[0], &right[0], 0.0)
                        && equal(inner, &left[1], &right[1], tolerance)
                })
        }
        (Type::Reference(inner), left, right) => equal(inner, left, right, tolerance),
        (_, left, right) => left == right,
    }
}

/// Returns the value in an `Option` as the wire writes it.
fn some(value: &Value) -> Option<&Value> {
    match value {
        Value::Null => None,
        Value::Object(entries) if entries.len() == 1 => entries.get("Some").or(Some(value)),
        value => Some(value),
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn same_float(left: Option<f64>, right: Option<f64>, tolerance: f64) -> bool {
    let (Some(left), Some(right)) = (left, right) else {
        return false;
    };
    left == right
        || (left.is_nan() && right.is_nan())
        || (left.is_finite()
            && right.is_finite()
            && (left - right).abs() <= tolerance * left.abs().max(right.abs()))
}

/// Describes the first property that an output lacks; `None` if the output has them all.
pub fn lacking(properties: &[Property], input: &[Value], output: &Value) -> Option<String> {
    properties
        .iter()
        .find(|property| !holds(property, input, output))
        .map(|property| format!("not {}", property.describe()))
}

fn holds(property: &Property, input: &[Value], output: &Value) -> bool {
    match property {
        Property::Between { at, min, max } => output
            .pointer(at)
            .and_then(number)
            .is_some_and(|number| *min <= number && number <= *max),
        Property::OneOf { at, values } => {
            output.pointer(at).is_some_and(|found| values.iter().any(|value| alike((found, value))))
        }
        Property::Labelled { number: at, label, bands } => {
            let Some(number) = output.pointer(at).and_then(number) else { return false };
            let band = bands.iter().rfind(|(start, _)| *start <= number);
            band.is_some_and(|(_, band)| {
                output.pointer(label).and_then(Value::as_str) == Some(band)
            })
        }
        Property::ForInput { input: wanted, property } => {
            !all_alike(wanted, input) || holds(property, input, output)
        }
        Property::Ascending => output.as_array().is_some_and(|elements| {
            elements
                .windows(2)
                .all(|pair| pair_order(&pair[0], &pair[1]).is_some_and(std::cmp::Ordering::is_le))
        }),
        Property::PermutationOf(index) => {
            let sorted = |value: &Value| {
                let mut elements: Vec<String> =
                    value.as_array()?.iter().map(Value::to_string).collect();
                elements.sort();
                Some(elements)
            };
            match (input.get(*index).and_then(sorted), sorted(output)) {
                (Some(input), Some(output)) => input == output,
                _ => false,
            }
        }
    }
}

/// Returns whether two inputs are the same, however their numbers are written.
pub fn all_alike(left: &[Value], right: &[Value]) -> bool {
    left.len() == right.len() && left.iter().zip(right).all(alike)
}

/// Returns whether two JSON values are the same, however their numbers are written (`5` and `5.0`).
fn alike((left, right): (&Value, &Value)) -> bool {
    match (left, right) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => all_alike(a, b),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| alike((a, b))))
        }
        _ => left == right,
    }
}

/// Orders two elements as Rust does; `None` where Rust has no order.
fn pair_order(left: &Value, right: &Value) -> Option<std::cmp::Ordering> {
    match (left, right) {
        (Value::Number(a), Value::Number(b)) => match (integer(a), integer(b)) {
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            _ => a.as_f64()?.partial_cmp(&b.as_f64()?),
        },
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (Value::Array(a), Value::Array(b)) => {
            for (left, right) in a.iter().zip(b) {
                match pair_order(left, right)? {
                    std::cmp::Ordering::Equal => {}
                    order => return Some(order),
                }
            }
            Some(a.len().cmp(&b.len()))
        }
        _ => None,
    }
}

fn integer(number: &serde_json::Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::signature::Signature;
    use serde_json::json;

    fn same(name: &str, left: Value, right: Value, tolerance: f64) -> bool {
        let ty = Signature::parse(&format!("fn f() -> {name}")).unwrap().output;
        equal(&ty, &left, &right, tolerance)
    }

    #[test]
    fn floats_compare_with_a_tolerance() {
        assert!(same("f64", json!("NaN"), json!("NaN"), 0.0));
        assert!(same("f64", json!(0.0), json!(-0.0), 0.0));
        assert!(!same("f64", json!(0.3), json!(0.1 + 0.2), 0.0));
        assert!(same("(f64, Vec<f64>)", json!([0.3, [1.0]]), json!([0.1 + 0.2, [1.0]]), 1e-9));
        assert!(!same("f64", json!("inf"), json!(1e308), 1.0));
        assert!(same("Option<f64>", json!(1.0), json!(1.0 + 1e-12), 1e-9));
        assert!(!same("Option<f64>", json!(null), json!(0.0), 1e-9));
        assert!(!same("Result<f64, f64>", json!({ "Ok": 1.0 }), json!({ "Err": 1.0 }), 1e-9));
        assert!(same("HashMap<u8, f64>", json!([[1, 0.3]]), json!([[1, 0.1 + 0.2]]), 1e-9));
    }

    #[test]
    fn missing_properties_are_named() {
        let input = [json!([3, 1, 2])];
        let all = [Property::Ascending, Property::PermutationOf(0)];
        assert_eq!(lacking(&all, &input, &json!([1, 2, 3])), None);
        assert_eq!(lacking(&all, &input, &json!([1, 3, 2])).unwrap(), "not in ascending order");
        assert!(lacking(&all, &input, &json!([1, 2, 2])).unwrap().contains("same elements"));
        let range = [Property::Between { at: "/score".into(), min: 0.0, max: 1.0 }];
        assert_eq!(lacking(&range, &[], &json!({ "score": 1.0 })), None);
        assert!(lacking(&range, &[], &json!({ "score": "NaN" })).is_some());
        assert!(lacking(&range, &[], &json!({})).is_some());
        let high = Property::Between { at: String::new(), min: 1.0, max: 2.0 };
        let one = [Property::ForInput { input: vec![json!([3])], property: Box::new(high) }];
        assert_eq!(lacking(&one, &[json!([4.0])], &json!(0)), None);
        assert_eq!(lacking(&one, &[json!([3.0])], &json!(1)), None);
        assert!(lacking(&one, &[json!([3.0])], &json!(0)).unwrap().contains("between 1 and 2"));
        let labelled = [Property::Labelled {
            number: "/0".into(),
            label: "/1".into(),
            bands: vec![(-1.0, "low".into()), (0.5, "high".into())],
        }];
        assert_eq!(lacking(&labelled, &[], &json!([0.5, "high"])), None);
        assert_eq!(lacking(&labelled, &[], &json!([0.4, "low"])), None);
        for wrong in [json!([0.4, "high"]), json!(["NaN", "high"]), json!([-2.0, "low"])] {
            assert!(lacking(&labelled, &[], &wrong).unwrap().contains("\"high\" from 0.5"));
        }
        let one_of = [Property::OneOf { at: String::new(), values: vec![json!("a"), json!(1)] }];
        assert_eq!(lacking(&one_of, &[], &json!(1.0)), None);
        assert!(lacking(&one_of, &[], &json!("b")).is_some());
    }
}
