//! Owns the encoding of a part: `{"type", "data"}`, in that order.
//!
//! Written by hand because a derived decoder either refuses an unknown kind or hides why a known one is broken.

use std::{fmt, sync::Arc};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, DeserializeSeed, IgnoredAny, MapAccess},
    ser::SerializeStruct,
};
use serde_json::Value;

use super::part::{Part, UnknownPart};

impl Serialize for Part {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_struct("Part", 2)?;
        map.serialize_field("type", self.kind())?;
        match self {
            Self::Text(data) => map.serialize_field("data", data)?,
            Self::Reasoning(data) => map.serialize_field("data", data)?,
            Self::ToolCall(data) => map.serialize_field("data", data)?,
            Self::ToolResult(data) => map.serialize_field("data", data)?,
            Self::Finish(data) => map.serialize_field("data", data)?,
            Self::ImageUrl(data) => map.serialize_field("data", data)?,
            Self::Binary(data) => map.serialize_field("data", data)?,
            Self::ShellCommand(data) => map.serialize_field("data", data)?,
            Self::Unknown(part) => map.serialize_field("data", &part.data)?,
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PartVisitor)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Key {
    Type,
    Data,
    #[serde(other)]
    Other,
}

struct PartVisitor;

impl<'de> de::Visitor<'de> for PartVisitor {
    type Value = Part;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a part with `type` and `data`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Part, A::Error> {
        let mut kind: Option<String> = None;
        let mut early: Option<Value> = None;
        let mut part = None;
        while let Some(key) = map.next_key()? {
            match (key, &kind) {
                (Key::Type, _) => kind = Some(map.next_value()?),
                (Key::Data, Some(kind)) => part = Some(map.next_value_seed(Data(kind))?),
                // Data that comes before its type is decoded when the type is known.
                (Key::Data, None) => early = Some(map.next_value()?),
                (Key::Other, _) => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let kind = kind.ok_or_else(|| de::Error::missing_field("type"))?;
        part.map_or_else(
            || {
                Data(&kind)
                    .deserialize(early.unwrap_or_default())
                    .map_err(de::Error::custom)
            },
            Ok,
        )
    }
}

/// Decodes the data of the kind it holds.
struct Data<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for Data<'_> {
    type Value = Part;

    fn deserialize<D: Deserializer<'de>>(self, data: D) -> Result<Part, D::Error> {
        fn known<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
            data: D,
            part: fn(T) -> Part,
        ) -> Result<Part, D::Error> {
            crate::wire::nullable(data).map(part)
        }

        match self.0 {
            "text" => known(data, Part::Text),
            "reasoning" => known(data, Part::Reasoning),
            "tool_call" => known(data, Part::ToolCall),
            "tool_result" => known(data, Part::ToolResult),
            "finish" => known(data, Part::Finish),
            "image_url" => known(data, Part::ImageUrl),
            "binary" => known(data, Part::Binary),
            "shell_command" => known(data, Part::ShellCommand),
            kind => Ok(Part::Unknown(UnknownPart {
                kind: Arc::from(kind),
                data: Value::deserialize(data)?,
            })),
        }
    }
}
