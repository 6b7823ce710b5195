//! Decodes any bytes as a message. What decodes must encode to something that decodes to the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use runwright_proto::Message;

fuzz_target!(|bytes: &[u8]| {
    let Ok(message) = serde_json::from_slice::<Message>(bytes) else {
        return;
    };
    let json = serde_json::to_vec(&message).expect("what was decoded can be encoded");
    let again: Message = serde_json::from_slice(&json).expect("what was encoded can be decoded");
    assert_eq!(again, message);
});
