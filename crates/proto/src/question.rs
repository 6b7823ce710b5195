//! Owns questions that a run puts to its user, and the answers (contract 2.6 and 3.5).
//!
//! It must never know how a question is shown.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    QuestionId, RunId, SessionId,
    wire::{maybe_id, nullable, words},
};

/// Is a batch of questions that a run puts to its user.
///
/// # Examples
///
/// ```
/// use runwright_proto::QuestionRequest;
///
/// let json = r#"{"id":"q","session_id":"s","tool_call_id":"c","questions":[{"id":"1","type":"yes_no","question":"Go on?"}]}"#;
/// let request: QuestionRequest = serde_json::from_str(json)?;
/// assert_eq!(request.questions[0].question, "Go on?");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QuestionRequest {
    /// The id of the batch.
    pub id: QuestionId,
    /// The session of the run that asks.
    pub session_id: SessionId,
    /// The tool call that asks.
    #[serde(default, deserialize_with = "nullable")]
    pub tool_call_id: String,
    /// The questions, in order.
    #[serde(default, deserialize_with = "nullable")]
    pub questions: Vec<Question>,
    /// The title of the last step, where the answers are confirmed; empty is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub confirm_title: String,
    /// The words of that step; empty is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub confirm_description: String,
}

/// Is one question.
///
/// # Examples
///
/// ```
/// use runwright_proto::{Question, QuestionKind};
///
/// let question: Question = serde_json::from_str(r#"{"id":"1","type":"free_text","question":"Why?"}"#)?;
/// assert_eq!(question.kind, QuestionKind::FreeText);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Question {
    /// Its id, which the answer names.
    #[serde(default, deserialize_with = "nullable")]
    pub id: String,
    /// What kind of answer it wants.
    #[serde(rename = "type", default, deserialize_with = "nullable")]
    pub kind: QuestionKind,
    /// A word for it; empty is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub label: String,
    /// The question.
    #[serde(default, deserialize_with = "nullable")]
    pub question: String,
    /// More about it; empty is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub description: String,
    /// What can be chosen; empty is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub choices: Vec<Choice>,
}

words! {
    /// Says what kind of answer a question wants.
    ///
    /// # Examples
    ///
    /// ```
    /// use runwright_proto::QuestionKind;
    ///
    /// assert_eq!(QuestionKind::YesNo.as_str(), "yes_no");
    /// ```
    #[derive(Default)]
    pub enum QuestionKind("question type") {
        /// Yes or no.
        YesNo = "yes_no",
        /// One of the choices.
        SingleChoice = "single_choice",
        /// Any of the choices.
        MultiChoice = "multi_choice",
        /// Words.
        FreeText = "free_text",
        ;
        /// A kind of a later version.
        #[default]
        else Unknown = "unknown",
    }
}

/// Is something that can be chosen.
///
/// # Examples
///
/// ```
/// use runwright_proto::Choice;
///
/// let choice = Choice { id: "a".to_owned(), label: "Alpha".to_owned(), ..Choice::default() };
/// assert_eq!(serde_json::to_string(&choice)?, r#"{"id":"a","label":"Alpha"}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Choice {
    /// Its id, which the answer names.
    #[serde(default, deserialize_with = "nullable")]
    pub id: String,
    /// What it is called.
    #[serde(default, deserialize_with = "nullable")]
    pub label: String,
    /// More about it; empty is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub description: String,
}

/// Tells that a batch of questions is not open any more.
///
/// # Examples
///
/// ```
/// use runwright_proto::{QuestionId, QuestionNotification};
///
/// let notification = QuestionNotification { batch_id: "q".parse()? };
/// assert_eq!(serde_json::to_string(&notification).unwrap(), r#"{"batch_id":"q"}"#);
/// # Ok::<(), runwright_proto::ParseIdError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QuestionNotification {
    /// The batch.
    pub batch_id: QuestionId,
}

/// Answers a batch of questions: the body of `POST …/questions/answer`.
///
/// # Examples
///
/// ```
/// use runwright_proto::AnswerQuestions;
///
/// let json = r#"{"batch_request_id":"","responses":[{"request_id":"1","selected_ids":["a"]}]}"#;
/// let answers: AnswerQuestions = serde_json::from_str(json)?;
/// assert_eq!(answers.batch_request_id, None, "contract clients do not say which batch");
/// assert_eq!(answers.responses[0].selected_ids, ["a"]);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AnswerQuestions {
    /// The batch; empty on the wire when the client does not say.
    #[serde(default, with = "maybe_id")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub batch_request_id: Option<QuestionId>,
    /// The answers.
    #[serde(default, deserialize_with = "nullable")]
    pub responses: Vec<Answer>,
}

/// Is the answer to one question.
///
/// # Examples
///
/// ```
/// use runwright_proto::Answer;
///
/// let answer: Answer = serde_json::from_str(r#"{"request_id":"1","yes":false}"#)?;
/// assert_eq!(answer.yes, Some(false));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Answer {
    /// The question.
    #[serde(default, deserialize_with = "nullable")]
    pub request_id: String,
    /// What was chosen; empty is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub selected_ids: Vec<String>,
    /// What was written; empty is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub fill_in_text: String,
    /// Yes or no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yes: Option<bool>,
    /// Notes to single choices, by their ids; empty is left out.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub notes: BTreeMap<String, String>,
}

/// Is an open batch of questions: one element of `GET …/questions`.
///
/// # Examples
///
/// ```
/// use runwright_proto::OpenQuestion;
///
/// let json = r#"{"request":{"id":"q","session_id":"s","questions":null},"run_id":"r","created_at_ms":1,"age_ms":9}"#;
/// let open: OpenQuestion = serde_json::from_str(json)?;
/// assert_eq!(open.request.id.as_str(), "q");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OpenQuestion {
    /// What is asked.
    pub request: QuestionRequest,
    /// The run that asks.
    #[serde(default, with = "maybe_id", skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
    /// When it was asked, in Unix milliseconds.
    #[serde(default, deserialize_with = "nullable")]
    pub created_at_ms: i64,
    /// How long it has waited, in milliseconds.
    #[serde(default, deserialize_with = "nullable")]
    pub age_ms: u64,
}
