//! What was called, how quickly it was answered, and what was wrong with it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// All of one kind of call.
#[derive(Debug, Clone, Default)]
pub struct Call {
    /// What it is for.
    pub name: &'static str,
    /// How often each status came.
    pub statuses: BTreeMap<u16, usize>,
    /// Microseconds to the whole answer, one a call.
    pub micros: Vec<u64>,
}

/// An answer that the identity provider could not work with.
#[derive(Debug, Clone)]
pub struct Deviation {
    /// The call that it answers.
    pub call: &'static str,
    /// What was wrong, and for whom.
    pub what: String,
}

/// The outcome of a play.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// In the order in which they were first made.
    pub calls: Vec<Call>,
    /// In the order in which they were seen.
    pub deviations: Vec<Deviation>,
}

impl Call {
    /// Microseconds that 50, 95 and 99 of a hundred calls stayed under.
    pub fn percentiles(&self) -> [u64; 3] {
        let mut sorted = self.micros.clone();
        sorted.sort_unstable();
        [50, 95, 99].map(|percent| {
            let rank = (sorted.len() * percent).div_ceil(100);
            sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
        })
    }
}

impl Report {
    pub(crate) fn note(&mut self, name: &'static str, status: u16, micros: u64) {
        let at = self
            .calls
            .iter()
            .position(|call| call.name == name)
            .unwrap_or_else(|| {
                self.calls.push(Call {
                    name,
                    ..Call::default()
                });
                self.calls.len() - 1
            });
        let call = &mut self.calls[at];
        *call.statuses.entry(status).or_default() += 1;
        call.micros.push(micros);
    }

    /// For programs; times in microseconds.
    pub fn to_json(&self) -> Value {
        let calls: Vec<_> = self
            .calls
            .iter()
            .map(|call| {
                let [p50, p95, p99] = call.percentiles();
                json!({"call": call.name, "count": call.micros.len(), "statuses": call.statuses,
                    "p50Micros": p50, "p95Micros": p95, "p99Micros": p99})
            })
            .collect();
        let deviations: Vec<_> = self
            .deviations
            .iter()
            .map(|deviation| json!({"call": deviation.call, "what": deviation.what}))
            .collect();
        json!({"calls": calls, "deviations": deviations})
    }
}
