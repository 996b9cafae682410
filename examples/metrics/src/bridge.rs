//! From the `metrics` facade to OpenTelemetry: each instrument as described, each label as an attribute.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use metrics::{Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn};
use metrics::{Key, KeyName, Metadata, Recorder, SharedString, Unit};
use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

/// A recorder that hands everything to a meter.
pub(crate) struct Bridge {
    meter: Meter,
    described: Mutex<HashMap<String, (&'static str, String)>>,
}

impl Bridge {
    pub(crate) fn new(meter: Meter) -> Self {
        Self { meter, described: Mutex::default() }
    }

    fn describe(&self, key: &KeyName, unit: Option<Unit>, words: &SharedString) {
        let described = (unit.map_or("", |unit| unit.as_canonical_label()), words.to_string());
        self.described.lock().unwrap_or_else(PoisonError::into_inner).insert(key.as_str().to_owned(), described);
    }

    fn described(&self, key: &Key) -> (String, &'static str, String) {
        let described = self.described.lock().unwrap_or_else(PoisonError::into_inner);
        let (unit, words) = described.get(key.name()).cloned().unwrap_or_default();
        (key.name().to_owned(), unit, words)
    }
}

fn attributes(key: &Key) -> Vec<KeyValue> {
    key.labels().map(|label| KeyValue::new(label.key().to_owned(), label.value().to_owned())).collect()
}

impl Recorder for Bridge {
    fn describe_counter(&self, key: KeyName, unit: Option<Unit>, words: SharedString) {
        self.describe(&key, unit, &words);
    }

    fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, words: SharedString) {
        self.describe(&key, unit, &words);
    }

    fn describe_histogram(&self, key: KeyName, unit: Option<Unit>, words: SharedString) {
        self.describe(&key, unit, &words);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let (name, unit, words) = self.described(key);
        let instrument = self.meter.u64_counter(name).with_unit(unit).with_description(words).build();
        Counter::from_arc(Arc::new(Series(instrument, attributes(key))))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        let (name, unit, words) = self.described(key);
        let instrument = self.meter.f64_gauge(name).with_unit(unit).with_description(words).build();
        Gauge::from_arc(Arc::new(Series(instrument, attributes(key))))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        let (name, unit, words) = self.described(key);
        let instrument = self.meter.f64_histogram(name).with_unit(unit).with_description(words).build();
        Histogram::from_arc(Arc::new(Series(instrument, attributes(key))))
    }
}

/// An instrument with the attributes of one series.
struct Series<I>(I, Vec<KeyValue>);

impl CounterFn for Series<opentelemetry::metrics::Counter<u64>> {
    fn increment(&self, value: u64) {
        self.0.add(value, &self.1);
    }

    /// OpenTelemetry's counters only take what comes on top; nothing in longhaul knows only the total.
    fn absolute(&self, _: u64) {}
}

impl GaugeFn for Series<opentelemetry::metrics::Gauge<f64>> {
    /// OpenTelemetry's gauges do not know their value; longhaul sets its own.
    fn increment(&self, _: f64) {}

    fn decrement(&self, _: f64) {}

    fn set(&self, value: f64) {
        self.0.record(value, &self.1);
    }
}

impl HistogramFn for Series<opentelemetry::metrics::Histogram<f64>> {
    fn record(&self, value: f64) {
        self.0.record(value, &self.1);
    }
}
