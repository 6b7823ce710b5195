//! Decodes any bytes as an event. What decodes must encode to one line that decodes to the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use runwright_proto::Envelope;

fuzz_target!(|bytes: &[u8]| {
    let Ok(envelope) = serde_json::from_slice::<Envelope>(bytes) else {
        return;
    };
    let json = serde_json::to_vec(&envelope).expect("what was decoded can be encoded");
    assert!(!json.contains(&b'\n'), "an event is one line of the stream");
    let again: Envelope = serde_json::from_slice(&json).expect("what was encoded can be decoded");
    assert_eq!(again, envelope);
});
