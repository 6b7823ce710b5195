//! The document: it is the one in the repository, every reference in it leads somewhere, and every route is in it.

use std::collections::BTreeSet;

use axum::body::Body;
use http::Request;
use serde_json::Value;

use crate::api::Api;

fn document() -> Value {
    serde_json::from_str(&runwright_server::openapi_json()).unwrap()
}

#[test]
fn the_document_in_the_repository_is_up_to_date() {
    let committed = include_str!("../../openapi.json");
    let made = runwright_server::openapi_json();
    if committed != made {
        let differs = committed
            .lines()
            .zip(made.lines())
            .position(|(old, new)| old != new);
        let line = differs.map_or(0, |line| line + 1);
        panic!("openapi.json differs from line {line} on: refresh it with `cargo xtask openapi`");
    }
}

#[tokio::test(start_paused = true)]
async fn the_server_serves_it() {
    let reply = Api::new().get("/v1/openapi.json").await;
    assert_eq!(reply.ok(), document());
}

#[test]
fn every_reference_leads_somewhere_and_every_schema_is_referred_to() {
    let document = document();
    let mut referred = BTreeSet::new();
    collect(&document, &mut referred);
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let known: BTreeSet<String> = schemas
        .keys()
        .map(|name| format!("#/components/schemas/{name}"))
        .collect();
    assert_eq!(referred, known);
}

fn collect(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if let ("$ref", Some(target)) = (name.as_str(), member.as_str()) {
                    found.insert(target.to_owned());
                }
                collect(member, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_operation_has_a_name_of_its_own_a_summary_a_tag_a_success_and_its_problems() {
    let document = document();
    let tags: Vec<&str> = document["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| tag["name"].as_str().unwrap())
        .collect();
    let mut names = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let at = format!("{method} {path}");
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name.to_owned()), "{at}: `{name}` is taken");
            assert!(
                operation["summary"].as_str().unwrap().ends_with('.'),
                "{at}"
            );
            assert!(
                tags.contains(&operation["tags"][0].as_str().unwrap()),
                "{at}"
            );
            let responses = operation["responses"].as_object().unwrap();
            assert!(
                responses.keys().any(|status| status.starts_with('2')),
                "{at}"
            );
            assert!(responses.contains_key("default"), "{at}");
            let parameters = operation["parameters"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let in_path: Vec<String> = parameters
                .iter()
                .filter(|parameter| parameter["in"] == "path")
                .map(|parameter| format!("{{{}}}", parameter["name"].as_str().unwrap()))
                .collect();
            let named: Vec<&str> = path
                .split('/')
                .filter(|segment| segment.starts_with('{'))
                .collect();
            assert_eq!(in_path, named, "{at}");
        }
    }
    assert!(names.len() > 75, "{}", names.len());
}

#[tokio::test(start_paused = true)]
async fn every_operation_is_a_route_and_no_other_method_of_its_path_is() {
    let api = Api::new();
    for (path, item) in document()["paths"].as_object().unwrap() {
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH"] {
            let request = Request::builder()
                .method(method)
                .uri(path.replace(['{', '}'], ""));
            let reply = api.send(request.body(Body::empty()).unwrap()).await;
            let documented = item.get(method.to_lowercase()).is_some();
            assert_eq!(
                reply.status.as_u16() != 405,
                documented,
                "{method} {path}: {reply:?}"
            );
            if reply.status.as_u16() == 404 {
                assert!(!reply.body.contains("route_not_found"), "{method} {path}");
            }
        }
    }
}
