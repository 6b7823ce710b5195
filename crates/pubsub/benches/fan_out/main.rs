//! What one delivery costs: this crate against tokio's broadcast and the bare shared log, in one run.
//!
//! `cargo bench --bench fan_out` asks criterion; `cargo bench --bench fan_out -- --table` prints one line per goal of
//! the broker in less than a minute. Both measure the CPU time of one single-threaded runtime.

mod bare_log;
mod replay;
mod run;
mod subjects;
mod table;

use std::{env, hint::black_box};

use criterion::{BenchmarkId, Criterion, Throughput};

use crate::{
    run::{Load, Subject, measure},
    subjects::{BareLog, SharedBatch, SharedFrames, SingleEvents, TokioBroadcast},
};

fn main() {
    if env::args().any(|argument| argument == "--table") {
        table::print();
    } else if env::args().any(|argument| argument == "--bench") {
        let mut criterion = Criterion::default().configure_from_args();
        fan_out(&mut criterion);
        broker_stall(&mut criterion);
        criterion.final_summary();
    }
}

fn fan_out(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("broker_fanout");
    group.sample_size(10);
    for readers in [1, 10, 100, 1000] {
        for burst in [1, 64] {
            let load = Load {
                readers,
                stalled: 0,
                burst,
            };
            group.throughput(Throughput::Elements((readers * burst) as u64));
            bench::<TokioBroadcast>(&mut group, load);
            bench::<BareLog>(&mut group, load);
            bench::<SharedBatch>(&mut group, load);
            bench::<SharedFrames>(&mut group, load);
            bench::<SingleEvents>(&mut group, load);
        }
    }
    group.finish();
}

fn broker_stall(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("broker_stall");
    group.sample_size(10);
    for stalled in [0, 1] {
        let load = Load {
            readers: 99,
            stalled,
            burst: 1,
        };
        group.throughput(Throughput::Elements(load.readers as u64));
        bench::<SharedBatch>(&mut group, load);
        bench::<TokioBroadcast>(&mut group, load);
    }
    group.finish();
}

type Group<'a> = criterion::BenchmarkGroup<'a, criterion::measurement::WallTime>;

/// Criterion gets the CPU time of the rounds; its own clock would count the neighbours on the machine.
fn bench<S: Subject>(group: &mut Group<'_>, load: Load) {
    let name = BenchmarkId::new(
        S::NAME,
        format!("{}x{}+{}", load.readers, load.burst, load.stalled),
    );
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|rounds| black_box(measure::<S>(load, rounds)).total);
    });
}
