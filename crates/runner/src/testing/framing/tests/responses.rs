//! OpenAI's Responses, in whole strings.

use super::*;

const ANSWER: &str = r#"event: response.created
data: {"type":"response.created","sequence_number":0,"response":{"id":"resp_scripted","object":"response","created_at":1700000000,"status":"in_progress","error":null,"incomplete_details":null,"model":"m","output":[],"usage":null}}

event: response.in_progress
data: {"type":"response.in_progress","sequence_number":1,"response":{"id":"resp_scripted","object":"response","created_at":1700000000,"status":"in_progress","error":null,"incomplete_details":null,"model":"m","output":[],"usage":null}}

event: response.output_item.added
data: {"type":"response.output_item.added","sequence_number":2,"output_index":0,"item":{"id":"rs_0","type":"reasoning","summary":[]}}

event: response.reasoning_summary_part.added
data: {"type":"response.reasoning_summary_part.added","sequence_number":3,"item_id":"rs_0","output_index":0,"summary_index":0,"part":{"type":"summary_text","text":""}}

event: response.reasoning_summary_text.delta
data: {"type":"response.reasoning_summary_text.delta","sequence_number":4,"item_id":"rs_0","output_index":0,"summary_index":0,"delta":"hm"}

event: response.reasoning_summary_text.done
data: {"type":"response.reasoning_summary_text.done","sequence_number":5,"item_id":"rs_0","output_index":0,"summary_index":0,"text":"hm"}

event: response.reasoning_summary_part.done
data: {"type":"response.reasoning_summary_part.done","sequence_number":6,"item_id":"rs_0","output_index":0,"summary_index":0,"part":{"type":"summary_text","text":"hm"}}

event: response.output_item.done
data: {"type":"response.output_item.done","sequence_number":7,"output_index":0,"item":{"id":"rs_0","type":"reasoning","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"sig"}}

event: response.output_item.added
data: {"type":"response.output_item.added","sequence_number":8,"output_index":1,"item":{"id":"msg_1","type":"message","status":"in_progress","content":[],"role":"assistant"}}

event: response.content_part.added
data: {"type":"response.content_part.added","sequence_number":9,"item_id":"msg_1","output_index":1,"content_index":0,"part":{"type":"output_text","annotations":[],"logprobs":[],"text":""}}

event: response.output_text.delta
data: {"type":"response.output_text.delta","sequence_number":10,"item_id":"msg_1","output_index":1,"content_index":0,"delta":"a\"b","logprobs":[]}

event: response.output_text.delta
data: {"type":"response.output_text.delta","sequence_number":11,"item_id":"msg_1","output_index":1,"content_index":0,"delta":"c","logprobs":[]}

event: response.output_text.done
data: {"type":"response.output_text.done","sequence_number":12,"item_id":"msg_1","output_index":1,"content_index":0,"text":"a\"bc","logprobs":[]}

event: response.content_part.done
data: {"type":"response.content_part.done","sequence_number":13,"item_id":"msg_1","output_index":1,"content_index":0,"part":{"type":"output_text","annotations":[],"logprobs":[],"text":"a\"bc"}}

event: response.output_item.done
data: {"type":"response.output_item.done","sequence_number":14,"output_index":1,"item":{"id":"msg_1","type":"message","status":"completed","content":[{"type":"output_text","annotations":[],"logprobs":[],"text":"a\"bc"}],"role":"assistant"}}

event: response.output_item.added
data: {"type":"response.output_item.added","sequence_number":15,"output_index":2,"item":{"id":"fc_2","type":"function_call","status":"in_progress","arguments":"","call_id":"call_1","name":"bash"}}

event: response.function_call_arguments.delta
data: {"type":"response.function_call_arguments.delta","sequence_number":16,"item_id":"fc_2","output_index":2,"delta":"{\"x\":"}

event: response.function_call_arguments.delta
data: {"type":"response.function_call_arguments.delta","sequence_number":17,"item_id":"fc_2","output_index":2,"delta":"1}"}

event: response.function_call_arguments.done
data: {"type":"response.function_call_arguments.done","sequence_number":18,"item_id":"fc_2","output_index":2,"arguments":"{\"x\":1}"}

event: response.output_item.done
data: {"type":"response.output_item.done","sequence_number":19,"output_index":2,"item":{"id":"fc_2","type":"function_call","status":"completed","arguments":"{\"x\":1}","call_id":"call_1","name":"bash"}}

: keep-alive

event: response.completed
data: {"type":"response.completed","sequence_number":20,"response":{"id":"resp_scripted","object":"response","created_at":1700000000,"status":"completed","error":null,"incomplete_details":null,"model":"m","output":[{"id":"rs_0","type":"reasoning","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"sig"},{"id":"msg_1","type":"message","status":"completed","content":[{"type":"output_text","annotations":[],"logprobs":[],"text":"a\"bc"}],"role":"assistant"},{"id":"fc_2","type":"function_call","status":"completed","arguments":"{\"x\":1}","call_id":"call_1","name":"bash"}],"usage":{"input_tokens":15,"input_tokens_details":{"cached_tokens":5},"output_tokens":9,"output_tokens_details":{"reasoning_tokens":4},"total_tokens":24}}}

"#;

const WHOLE: &str = r#"{"id":"resp_scripted","object":"response","created_at":1700000000,"status":"completed","error":null,"incomplete_details":null,"model":"m","output":[{"id":"rs_0","type":"reasoning","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"sig"},{"id":"msg_1","type":"message","status":"completed","content":[{"type":"output_text","annotations":[],"logprobs":[],"text":"a\"bc"}],"role":"assistant"},{"id":"fc_2","type":"function_call","status":"completed","arguments":"{\"x\":1}","call_id":"call_1","name":"bash"}],"usage":{"input_tokens":15,"input_tokens_details":{"cached_tokens":5},"output_tokens":9,"output_tokens_details":{"reasoning_tokens":4},"total_tokens":24}}"#;

const MODELS: &str = r#"{"object":"list","data":[{"id":"a","object":"model","created":1700000000,"owned_by":"scripted"},{"id":"b","object":"model","created":1700000000,"owned_by":"scripted"}]}"#;

const REFUSALS: [(u16, &str); 8] = [
    (
        401,
        r#"{"error":{"message":"Incorrect API key provided: sk-scrip*****key. You can find your API key at https://platform.openai.com/account/api-keys.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}"#,
    ),
    (
        404,
        r#"{"error":{"message":"The model `m` does not exist or you do not have access to it.","type":"invalid_request_error","param":null,"code":"model_not_found"}}"#,
    ),
    (
        400,
        r#"{"error":{"message":"Your input exceeds the context window of this model. Please adjust your input and try again.","type":"invalid_request_error","param":"input","code":"context_length_exceeded"}}"#,
    ),
    (
        429,
        r#"{"error":{"message":"Rate limit reached for m in organization org-scripted on requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in 20s. Visit https://platform.openai.com/account/rate-limits to learn more.","type":"requests","param":null,"code":"rate_limit_exceeded"}}"#,
    ),
    (
        429,
        r#"{"error":{"message":"You exceeded your current quota, please check your plan and billing details. For more information on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#,
    ),
    (
        500,
        r#"{"error":{"message":"The server had an error while processing your request. Sorry about that!","type":"server_error","param":null,"code":null}}"#,
    ),
    (
        503,
        r#"{"error":{"message":"The engine is currently overloaded, please try again later","type":"server_error","param":null,"code":null}}"#,
    ),
    (
        418,
        r#"{"error":{"message":"tea","type":"invalid_request_error","param":null,"code":null}}"#,
    ),
];

const ERROR: &str = r#"event: response.failed
data: {"type":"response.failed","sequence_number":0,"response":{"id":"resp_scripted","object":"response","created_at":1700000000,"status":"failed","error":{"code":"server_error","message":"The engine is currently overloaded, please try again later"},"incomplete_details":null,"model":"m","output":[],"usage":null}}

"#;

#[test]
fn an_answer_with_everything() {
    assert_eq!(answer(Protocol::OpenAiResponses), ANSWER);
}

#[test]
fn an_answer_that_is_not_streamed() {
    assert_eq!(whole(Protocol::OpenAiResponses), WHOLE);
}

#[test]
fn a_list_of_models() {
    assert_eq!(models(Protocol::OpenAiResponses), MODELS);
}

#[test]
fn each_refusal_in_the_words_of_the_vendor() {
    check_refusals(Protocol::OpenAiResponses, &REFUSALS);
}

#[test]
fn an_error_inside_an_answer() {
    assert_eq!(error(Protocol::OpenAiResponses), ERROR);
}
