//! Owns skills: instructions that a workspace offers to its agent (contract 2.9).
//!
//! It must never know where they are looked for.

use serde::{Deserialize, Serialize};

use crate::{
    Blob,
    wire::{codes, nullable},
};

/// Describes a skill: one element of `GET …/skills`.
///
/// # Examples
///
/// ```
/// use runwright_proto::SkillInfo;
///
/// let skill: SkillInfo = serde_json::from_str(r#"{"id":"/s/SKILL.md","name":"jq","source":"user"}"#)?;
/// assert_eq!(skill.source, "user");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SkillInfo {
    /// Its id, the path of its file.
    #[serde(default, deserialize_with = "nullable")]
    pub id: String,
    /// What it is called.
    #[serde(default, deserialize_with = "nullable")]
    pub name: String,
    /// What it is for.
    #[serde(default, deserialize_with = "nullable")]
    pub description: String,
    /// What it is called where several sources are shown together.
    #[serde(default, deserialize_with = "nullable")]
    pub label: String,
    /// Who offers it: `system`, `user` or `project`.
    #[serde(default, deserialize_with = "nullable")]
    pub source: String,
    /// Whether a user can call it by name.
    #[serde(default, deserialize_with = "nullable")]
    pub user_invocable: bool,
}

/// Tells how the reading of a skill went.
///
/// # Examples
///
/// ```
/// use runwright_proto::{SkillCondition, SkillState};
///
/// let state: SkillState = serde_json::from_str(r#"{"name":"jq","path":"/s","state":1,"error":"no name"}"#)?;
/// assert_eq!(state.state, SkillCondition::Error);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SkillState {
    /// What it is called.
    #[serde(default, deserialize_with = "nullable")]
    pub name: String,
    /// Its file.
    #[serde(default, deserialize_with = "nullable")]
    pub path: String,
    /// How it went.
    #[serde(default, deserialize_with = "nullable")]
    pub state: SkillCondition,
    /// What went wrong; empty is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub error: String,
}

codes! {
    /// Says how the reading of a skill went.
    ///
    /// # Examples
    ///
    /// ```
    /// use runwright_proto::SkillCondition;
    ///
    /// assert_eq!(serde_json::to_string(&SkillCondition::Error).unwrap(), "1");
    /// ```
    #[derive(Default)]
    pub enum SkillCondition("skill state") {
        /// It can be used.
        #[default]
        Ok = 0,
        /// It cannot be used.
        Error = 1,
        ;
        /// A state of a later version.
        else Unknown = -1,
    }
}

/// Tells that skills were read again: the payload of `skills_event`.
///
/// # Examples
///
/// ```
/// use runwright_proto::SkillsEvent;
///
/// assert_eq!(serde_json::from_str::<SkillsEvent>(r#"{"states":null}"#)?, SkillsEvent::default());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SkillsEvent {
    /// All skills, and how the reading of each went.
    #[serde(default, deserialize_with = "nullable")]
    pub states: Vec<SkillState>,
}

/// Asks for the content of a skill: the body of `POST …/skills/read`.
///
/// # Examples
///
/// ```
/// use runwright_proto::ReadSkill;
///
/// let request: ReadSkill = serde_json::from_str(r#"{"skill_id":"/s/SKILL.md"}"#)?;
/// assert_eq!(request.skill_id, "/s/SKILL.md");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReadSkill {
    /// Its id.
    #[serde(default, deserialize_with = "nullable")]
    pub skill_id: String,
}

/// Is the content of a skill.
///
/// # Examples
///
/// ```
/// use runwright_proto::SkillContent;
///
/// let json = r##"{"content":"IyBqcQ==","result":{"name":"jq","description":"","source":"user","builtin":false}}"##;
/// let skill: SkillContent = serde_json::from_str(json)?;
/// assert_eq!(skill.content.as_bytes(), b"# jq");
/// assert_eq!(serde_json::to_string(&skill)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SkillContent {
    /// What its file holds.
    #[serde(default, deserialize_with = "nullable")]
    pub content: Blob,
    /// What it is.
    #[serde(default, deserialize_with = "nullable")]
    pub result: SkillSummary,
}

/// Says in short what a skill is.
///
/// # Examples
///
/// ```
/// use runwright_proto::SkillSummary;
///
/// assert!(!SkillSummary::default().builtin);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SkillSummary {
    /// What it is called.
    #[serde(default, deserialize_with = "nullable")]
    pub name: String,
    /// What it is for.
    #[serde(default, deserialize_with = "nullable")]
    pub description: String,
    /// Who offers it: `system`, `user` or `project`.
    #[serde(default, deserialize_with = "nullable")]
    pub source: String,
    /// Whether it is part of the server.
    #[serde(default, deserialize_with = "nullable")]
    pub builtin: bool,
}
