//! Converts Rust values to bytes, by type: the half of the codec that runs in the jail.
//!
//! Integers and floats are little-endian (`usize` and `isize` as 64 bits). `bool` and the tags of `Option`
//! and `Result` are one byte. `char` is a `u32`. Text, lists, sets and maps start with their length (`u32`).
//! Arrays and tuples consist of their elements only.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::Hash;

/// The bytes of one input, read from the front.
pub struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    /// Reads from these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Input { rest: bytes }
    }

    /// Reads the next value.
    ///
    /// # Panics
    /// If the bytes do not contain such a value. Host and harness then disagree about the type.
    pub fn take<T: Decode<'a>>(&mut self) -> T {
        T::decode(self)
    }

    fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (bytes, rest) = self.rest.split_at(count);
        self.rest = rest;
        bytes
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut array = [0; N];
        array.copy_from_slice(self.bytes(N));
        array
    }

    fn length(&mut self) -> usize {
        u32::from_le_bytes(self.array()) as usize
    }

    fn text(&mut self) -> &'a str {
        let length = self.length();
        std::str::from_utf8(self.bytes(length)).expect("the host sends UTF-8")
    }
}

/// A type that a candidate can take.
pub trait Decode<'a>: Sized {
    /// Reads one value.
    fn decode(input: &mut Input<'a>) -> Self;
}

/// A type that a candidate can return.
pub trait Encode {
    /// Appends the value.
    fn encode(&self, output: &mut Vec<u8>);
}

fn put_length(length: usize, output: &mut Vec<u8>) {
    let length = u32::try_from(length).expect("an output has fewer than 2^32 elements");
    output.extend_from_slice(&length.to_le_bytes());
}

macro_rules! numbers {
    ($($t:ty),*) => {$(
        impl Decode<'_> for $t {
            fn decode(input: &mut Input<'_>) -> Self { <$t>::from_le_bytes(input.array()) }
        }
        impl Encode for $t {
            fn encode(&self, output: &mut Vec<u8>) { output.extend_from_slice(&self.to_le_bytes()); }
        }
    )*};
}
numbers!(i8, i16, i32, i64, i128, u8, u16, u32, u64, u128, f32, f64);

impl Decode<'_> for usize {
    fn decode(input: &mut Input<'_>) -> Self {
        input.take::<u64>() as usize
    }
}

impl Encode for usize {
    fn encode(&self, output: &mut Vec<u8>) {
        (*self as u64).encode(output);
    }
}

impl Decode<'_> for isize {
    fn decode(input: &mut Input<'_>) -> Self {
        input.take::<i64>() as isize
    }
}

impl Encode for isize {
    fn encode(&self, output: &mut Vec<u8>) {
        (*self as i64).encode(output);
    }
}

impl Decode<'_> for bool {
    fn decode(input: &mut Input<'_>) -> Self {
        input.take::<u8>() != 0
    }
}

impl Encode for bool {
    fn encode(&self, output: &mut Vec<u8>) {
        output.push(u8::from(*self));
    }
}

impl Decode<'_> for char {
    fn decode(input: &mut Input<'_>) -> Self {
        char::from_u32(input.take()).expect("the host sends a char")
    }
}

impl Encode for char {
    fn encode(&self, output: &mut Vec<u8>) {
        u32::from(*self).encode(output);
    }
}

impl<'a> Decode<'a> for &'a str {
    fn decode(input: &mut Input<'a>) -> Self {
        input.text()
    }
}

impl Decode<'_> for String {
    fn decode(input: &mut Input<'_>) -> Self {
        input.text().to_owned()
    }
}

impl Encode for str {
    fn encode(&self, output: &mut Vec<u8>) {
        put_length(self.len(), output);
        output.extend_from_slice(self.as_bytes());
    }
}

impl Encode for String {
    fn encode(&self, output: &mut Vec<u8>) {
        self.as_str().encode(output);
    }
}

impl<T: Encode + ?Sized> Encode for &T {
    fn encode(&self, output: &mut Vec<u8>) {
        (**self).encode(output);
    }
}

impl<'a, T: Decode<'a>> Decode<'a> for Vec<T> {
    fn decode(input: &mut Input<'a>) -> Self {
        let length = input.length();
        let mut elements = Vec::with_capacity(length);
        for _ in 0..length {
            elements.push(input.take());
        }
        elements
    }
}

/// A slice inside another type is leaked; the process is too short-lived for this to matter.
impl<'a, T: Decode<'a> + 'a> Decode<'a> for &'a [T] {
    fn decode(input: &mut Input<'a>) -> Self {
        input.take::<Vec<T>>().leak()
    }
}

impl<T: Encode> Encode for [T] {
    fn encode(&self, output: &mut Vec<u8>) {
        put_length(self.len(), output);
        for element in self {
            element.encode(output);
        }
    }
}

impl<T: Encode> Encode for Vec<T> {
    fn encode(&self, output: &mut Vec<u8>) {
        self.as_slice().encode(output);
    }
}

impl<'a, T: Decode<'a>, const N: usize> Decode<'a> for [T; N] {
    fn decode(input: &mut Input<'a>) -> Self {
        std::array::from_fn(|_| input.take())
    }
}

impl<T: Encode, const N: usize> Encode for [T; N] {
    fn encode(&self, output: &mut Vec<u8>) {
        for element in self {
            element.encode(output);
        }
    }
}

impl<'a, T: Decode<'a>> Decode<'a> for Option<T> {
    fn decode(input: &mut Input<'a>) -> Self {
        if input.take() { Some(input.take()) } else { None }
    }
}

impl<T: Encode> Encode for Option<T> {
    fn encode(&self, output: &mut Vec<u8>) {
        output.push(u8::from(self.is_some()));
        if let Some(value) = self {
            value.encode(output);
        }
    }
}

impl<'a, T: Decode<'a>, E: Decode<'a>> Decode<'a> for Result<T, E> {
    fn decode(input: &mut Input<'a>) -> Self {
        if input.take() { Ok(input.take()) } else { Err(input.take()) }
    }
}

impl<T: Encode, E: Encode> Encode for Result<T, E> {
    fn encode(&self, output: &mut Vec<u8>) {
        output.push(u8::from(self.is_ok()));
        match self {
            Ok(value) => value.encode(output),
            Err(error) => error.encode(output),
        }
    }
}

macro_rules! maps {
    ($($map:ident: $($bound:ident)+;)*) => {$(
        impl<'a, K: Decode<'a> $(+ $bound)+, V: Decode<'a>> Decode<'a> for $map<K, V> {
            fn decode(input: &mut Input<'a>) -> Self {
                let mut map = $map::new();
                for _ in 0..input.length() {
                    let key = input.take();
                    map.insert(key, input.take());
                }
                map
            }
        }
        impl<K: Encode, V: Encode> Encode for $map<K, V> {
            fn encode(&self, output: &mut Vec<u8>) {
                put_length(self.len(), output);
                for (key, value) in self {
                    key.encode(output);
                    value.encode(output);
                }
            }
        }
    )*};
}
maps! { HashMap: Eq Hash; BTreeMap: Ord; }

macro_rules! sets {
    ($($set:ident: $($bound:ident)+;)*) => {$(
        impl<'a, T: Decode<'a> $(+ $bound)+> Decode<'a> for $set<T> {
            fn decode(input: &mut Input<'a>) -> Self {
                let mut set = $set::new();
                for _ in 0..input.length() {
                    set.insert(input.take());
                }
                set
            }
        }
        impl<T: Encode> Encode for $set<T> {
            fn encode(&self, output: &mut Vec<u8>) {
                put_length(self.len(), output);
                for element in self {
                    element.encode(output);
                }
            }
        }
    )*};
}
sets! { HashSet: Eq Hash; BTreeSet: Ord; }

impl Decode<'_> for () {
    fn decode(_: &mut Input<'_>) -> Self {}
}

impl Encode for () {
    fn encode(&self, _: &mut Vec<u8>) {}
}

macro_rules! tuples {
    ($(($($name:ident)+))*) => {$(
        impl<'a, $($name: Decode<'a>),+> Decode<'a> for ($($name,)+) {
            fn decode(input: &mut Input<'a>) -> Self { ($(input.take::<$name>(),)+) }
        }
        impl<$($name: Encode),+> Encode for ($($name,)+) {
            #[allow(non_snake_case)]
            fn encode(&self, output: &mut Vec<u8>) {
                let ($($name,)+) = self;
                $($name.encode(output);)+
            }
        }
    )*};
}
tuples! { (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) }

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn round_trip<T: for<'a> Decode<'a> + Encode + PartialEq + std::fmt::Debug>(value: T) {
        let mut bytes = Vec::new();
        value.encode(&mut bytes);
        let mut input = Input::new(&bytes);
        assert_eq!(input.take::<T>(), value);
        assert!(input.rest.is_empty(), "{value:?} leaves bytes behind");
    }

    #[test]
    fn values_survive_a_round_trip() {
        round_trip((i128::MIN, u128::MAX, -1isize, usize::MAX, 'é', true));
        round_trip(vec![Some(Ok::<String, u8>("ok".to_owned())), Some(Err(3)), None]);
        round_trip(HashMap::from([("a".to_owned(), vec![1.5f64, f64::INFINITY])]));
        round_trip(BTreeMap::from([((1u8, 2u16), BTreeSet::from(['x']))]));
        round_trip(HashSet::from([[1i32, 2, 3]]));
        round_trip(((), [(); 2]));
    }

    #[test]
    fn borrowed_values_are_read_in_place() {
        let mut bytes = Vec::new();
        vec!["one", "two"].encode(&mut bytes);
        assert_eq!(Input::new(&bytes).take::<&[&str]>(), ["one", "two"]);
    }
}
