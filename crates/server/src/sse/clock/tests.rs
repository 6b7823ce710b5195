//! A clock under paused time: alarms fire at their ticks, together, and nothing runs while none is set.

use std::future::poll_fn;

use futures_util::future::join;
use tokio::time::{Duration, Instant, advance};

use super::*;

const PERIOD: Duration = Duration::from_millis(33);

fn clock() -> (Clock, TaskTracker) {
    let tasks = TaskTracker::new();
    (Clock::new(PERIOD, tasks.clone()), tasks)
}

async fn wait(alarm: &mut Alarm) {
    poll_fn(|cx| alarm.poll(cx)).await;
}

#[tokio::test(start_paused = true)]
async fn an_alarm_fires_at_the_beginning_of_its_tick() {
    let (clock, _) = clock();
    let origin = Instant::now();
    let mut alarm = clock.alarm();
    advance(Duration::from_millis(40)).await;
    alarm.set_to_next_multiple(3);
    wait(&mut alarm).await;
    assert_eq!(origin.elapsed(), 3 * PERIOD);
    wait(&mut alarm).await;
    assert_eq!(origin.elapsed(), 3 * PERIOD, "it is not set any more");
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_for_the_same_multiple_wake_together() {
    let (clock, _) = clock();
    let (mut one, mut other) = (clock.alarm(), clock.alarm());
    one.set_to_next_multiple(4);
    advance(Duration::from_millis(100)).await;
    other.set_to_next_multiple(4);
    let woken = |alarm: &'static str, at: Instant| (alarm, at);
    let first = async {
        wait(&mut one).await;
        woken("one", Instant::now())
    };
    let second = async {
        wait(&mut other).await;
        woken("other", Instant::now())
    };
    let ((_, first), (_, second)) = join(first, second).await;
    assert_eq!(first, second);
}

#[tokio::test(start_paused = true)]
async fn an_earlier_alarm_does_not_wait_for_a_later_one() {
    let (clock, _) = clock();
    let origin = Instant::now();
    let (mut late, mut early) = (clock.alarm(), clock.alarm());
    late.set_after(100);
    early.set_after(1);
    let mut late_waits = std::pin::pin!(wait(&mut late));
    // The task that serves the alarms now sleeps until the late one.
    assert!(futures_util::poll!(late_waits.as_mut()).is_pending());
    tokio::task::yield_now().await;
    wait(&mut early).await;
    assert_eq!(origin.elapsed(), PERIOD);
    late_waits.await;
    assert_eq!(origin.elapsed(), 100 * PERIOD);
}

#[tokio::test(start_paused = true)]
async fn no_task_is_left_when_the_last_alarm_has_fired_or_was_dropped() {
    let (clock, tasks) = clock();
    assert_eq!(tasks.len(), 0, "none before somebody waits");
    let mut alarm = clock.alarm();
    alarm.set_after(1);
    wait(&mut alarm).await;
    tasks.close();
    tasks.wait().await;

    tasks.reopen();
    alarm.set_after(1_000_000);
    assert!(futures_util::poll!(std::pin::pin!(wait(&mut alarm))).is_pending());
    assert_eq!(tasks.len(), 1);
    drop(alarm);
    assert!(clock.0.lock().waiting.is_empty());
    tasks.close();
    tasks.wait().await;
}
