//! What a workspace costs: its life from create to close, its memory while it is idle, and the way of a prompt; ours
//! against the bare parts, in one run.
//!
//! `cargo bench --bench lifecycle` asks criterion; `cargo bench --bench lifecycle -- --table` prints one line per figure
//! in less than a minute. Both measure CPU time of all threads, because the file system is asked on another one.

mod bare;
mod cpu;
mod ours;
mod ports;
mod table;

use std::{env, hint::black_box};

use criterion::Criterion;

fn main() {
    let mut arguments = env::args().skip_while(|argument| argument != "--memory");
    if let (Some(_), Some(kind)) = (arguments.next(), arguments.next()) {
        table::print_bytes_of(&kind);
    } else if env::args().any(|argument| argument == "--table") {
        table::print();
    } else if env::args().any(|argument| argument == "--bench") {
        let mut criterion = Criterion::default().configure_from_args();
        workspace_lifecycle(&mut criterion);
        dispatch(&mut criterion);
        criterion.final_summary();
    }
}

fn workspace_lifecycle(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("workspace_lifecycle");
    group.sample_size(10);
    group.bench_function("bare", |bencher| {
        bencher.iter_custom(|rounds| black_box(bare::lives(rounds)));
    });
    group.bench_function("by_id", |bencher| {
        bencher.iter_custom(|rounds| black_box(ours::lives_by_id(rounds)));
    });
    group.bench_function("by_path", |bencher| {
        bencher.iter_custom(|rounds| black_box(ours::lives_by_path(rounds)));
    });
    group.finish();
}

fn dispatch(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("dispatch");
    group.sample_size(10);
    group.bench_function("bare", |bencher| {
        bencher.iter_custom(|rounds| black_box(bare::runs(rounds)));
    });
    group.bench_function("backend", |bencher| {
        bencher.iter_custom(|rounds| black_box(ours::runs(rounds)));
    });
    group.finish();
}
