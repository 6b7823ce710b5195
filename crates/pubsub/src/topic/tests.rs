//! What an idle topic weighs: private sizes, so the test is in here.

use super::*;
use crate::Delivery;

struct Text(String);

impl Event for Text {
    type Key = String;
    type Encoding = ();

    fn delivery(&self) -> Delivery<String> {
        Delivery::Latest(self.0.clone())
    }

    fn weight(&self) -> usize {
        self.0.len()
    }
}

/// Two counters in front of what an `Arc` holds.
const ARC: usize = 2 * size_of::<usize>();

#[test]
fn an_idle_topic_takes_less_than_a_kibibyte() {
    let on_the_heap = ARC + size_of::<Owner<Text>>() + ARC + size_of::<Core<Text>>();
    assert!(on_the_heap < 1024, "{on_the_heap} bytes");
}

#[test]
fn the_ring_comes_with_the_first_event() {
    let topic = Topic::new(TopicOptions::default());
    assert_eq!(topic.lock().reserved(), 0);
    assert!(topic.publish(Text("first".to_owned())).is_ok());
    assert!(topic.lock().reserved() > 0);
}

#[test]
fn the_ring_is_compacted_behind_an_old_event() {
    let topic = Topic::new(TopicOptions::default());
    assert!(topic.publish(Text("old".to_owned())).is_ok());
    for _ in 0..10_000 {
        assert!(topic.publish(Text("state".to_owned())).is_ok());
    }
    let reserved = topic.lock().reserved();
    assert!(reserved <= 64, "{reserved} places for two events");
}
