//! Which id of ours stands for which recorded one.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

const RECORDED_PROJECT: &str = "/home/user/demo";
const RECORDED_ID: &str = "00000000-0000-4000-8000-";
const ID_LEN: usize = 36;

pub(super) struct Ids {
    directory: String,
    ours: BTreeMap<String, String>,
}

pub(super) fn is_recorded_id(text: &str) -> bool {
    text.len() == ID_LEN && text.starts_with(RECORDED_ID)
}

impl Ids {
    pub(super) fn new(directory: &Path) -> Self {
        Self {
            directory: directory.to_str().unwrap().to_owned(),
            ours: BTreeMap::new(),
        }
    }

    /// Notes which of our ids stand where the recorded ones stood. The first meeting counts: an id that meets another
    /// one later is a difference that shows in what follows.
    pub(super) fn learn(&mut self, recorded: &Value, ours: &Value) {
        match (recorded, ours) {
            (Value::String(recorded), Value::String(ours)) if is_recorded_id(recorded) => {
                self.ours
                    .entry(recorded.clone())
                    .or_insert_with(|| ours.clone());
            }
            (Value::Array(recorded), Value::Array(ours)) => {
                for (recorded, ours) in recorded.iter().zip(ours) {
                    self.learn(recorded, ours);
                }
            }
            (Value::Object(recorded), Value::Object(ours)) => {
                for (key, recorded) in recorded {
                    if let Some(ours) = ours.get(key) {
                        self.learn(recorded, ours);
                    }
                }
            }
            _ => {}
        }
    }

    /// Puts our ids and our directory in the place of the recorded ones. Ids that the client chose stay as they are.
    pub(super) fn to_ours(&self, text: &str) -> String {
        let mut text = text.replace(RECORDED_PROJECT, &self.directory);
        for (recorded, ours) in &self.ours {
            text = text.replace(recorded, ours);
        }
        text
    }

    pub(super) fn value_to_ours(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.to_ours(text)),
            Value::Array(items) => items.iter().map(|item| self.value_to_ours(item)).collect(),
            Value::Object(members) => {
                let member =
                    |(key, value): (&String, &Value)| (key.clone(), self.value_to_ours(value));
                Value::Object(members.iter().map(member).collect())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }
}
