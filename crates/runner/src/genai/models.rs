//! The list of a provider's models, wherever its protocol has them. It must never know one of them.

use http::{HeaderMap, Method};
use serde_json::Value;

use super::failure;
use super::place::ANTHROPIC_VERSION;
use super::upstream::Upstream;
use crate::provider::{Protocol, ProviderError};

/// Asks for the list.
pub(super) async fn models(upstream: &Upstream) -> Result<Vec<String>, ProviderError> {
    let mut headers = HeaderMap::new();
    if upstream.protocol == Protocol::Anthropic {
        let (name, value) = ANTHROPIC_VERSION;
        headers.insert(name, value);
    }
    let url = upstream.place.models();
    let mut response = upstream.open(Method::GET, url, headers, None).await?;
    let limit = upstream.limits.frame_bytes;
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| upstream.broken(&error))?
    {
        if body.len() + chunk.len() > limit {
            return Err(failure::too_much("a list of models", limit as u64));
        }
        body.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&body)
        .ok()
        .as_ref()
        .and_then(ids)
        .ok_or_else(|| failure::unreadable("no list of models"))
}

/// The ids in a list: OpenAI and Anthropic have `data[].id`, Gemini has `models[].name` with a folder before it,
/// Ollama has `models[].name`.
fn ids(body: &Value) -> Option<Vec<String>> {
    let list = ["data", "models"]
        .into_iter()
        .find_map(|name| body.get(name)?.as_array())?;
    let id = |model: &Value| {
        let id = ["id", "name"]
            .into_iter()
            .find_map(|name| model.get(name)?.as_str())?;
        Some(id.strip_prefix("models/").unwrap_or(id).to_owned())
    };
    Some(list.iter().filter_map(id).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_ids_are_found_where_each_protocol_has_them() {
        let wanted = Some(vec!["a".to_owned(), "b/c".to_owned()]);
        for list in [
            json!({"object": "list", "data": [{"id": "a"}, {"id": "b/c"}]}),
            json!({"models": [{"name": "models/a"}, {"name": "models/b/c"}]}),
            json!({"models": [{"name": "a", "model": "x"}, {"name": "b/c"}, {}]}),
        ] {
            assert_eq!(ids(&list), wanted);
        }
        assert_eq!(ids(&json!({"data": null})), None);
    }
}
