//! JSON that remembers the order of members, so that a test can compare it.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess},
};
use serde_json::Number;

/// A JSON value whose objects are equal only when their members are in the same order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Array(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl Json {
    /// Reads a text, which must be valid.
    pub(crate) fn parse(text: &str) -> Self {
        serde_json::from_str(text).unwrap()
    }

    /// Removes the member at a path with dots, which must be there.
    pub(crate) fn remove(&mut self, path: &str) {
        let (parent, name) = match path.rsplit_once('.') {
            Some((parent, name)) => (self.at(parent), name),
            None => (self, path),
        };
        let members = parent.members();
        let before = members.len();
        members.retain(|(member, _)| member != name);
        assert_eq!(members.len() + 1, before, "`{path}` is not there once");
    }

    /// Forgets the order of the members at a path with dots.
    pub(crate) fn sort(&mut self, path: &str) {
        self.at(path).members().sort_by(|a, b| a.0.cmp(&b.0));
    }

    fn at(&mut self, path: &str) -> &mut Self {
        path.split('.').fold(self, |json, name| {
            let member = json.members().iter_mut().find(|(member, _)| member == name);
            &mut member
                .unwrap_or_else(|| panic!("no `{name}` of `{path}`"))
                .1
        })
    }

    fn members(&mut self) -> &mut Vec<(String, Self)> {
        let Self::Object(members) = self else {
            panic!("not an object: {self:?}")
        };
        members
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> de::Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Json, E> {
        Ok(Json::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
        Ok(Json::Number(Number::from_f64(number).unwrap()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::String(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element()? {
            elements.push(element);
        }
        Ok(Json::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Json::Object(members))
    }
}
