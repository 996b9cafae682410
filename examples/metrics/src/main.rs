//! longhaul's metrics through OpenTelemetry: one download, from a server that refuses some requests, and one upload. What would go to a
//! collector is printed; the names are in the documentation of `longhaul_driver`.
#![allow(clippy::print_stdout, reason = "an example speaks")]

mod bridge;
#[path = "../../support/mod.rs"]
mod support;

use std::error::Error;
use std::fmt::Display;
use std::time::Duration;

use longhaul::{Download, PartSize, RetryPolicy, Upload};
use longhaul_serve::{Fault, Faults, What, When};
use opentelemetry::KeyValue;
use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData, ResourceMetrics};
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::metrics::{SdkMeterProvider, Temporality};

use bridge::Bridge;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Before the first client: it describes its metrics to whatever recorder there is.
    let provider = SdkMeterProvider::builder().with_periodic_exporter(Printer).build();
    metrics::set_global_recorder(Bridge::new(provider.meter("example")))?;

    let own = support::Server::start().await?;
    own.faults(vec![Fault::new(When::Every(5), What::Status { code: 503, retry_after: None }).method("GET")]);
    let client = longhaul::client()?;
    let quick = RetryPolicy::default().with_delays(Duration::from_millis(1), Duration::from_millis(10));
    let job = Download::new(&own.url("sample.bin"))?.part_size(PartSize::Bytes(1 << 20)).retry(quick);
    client.submit(job.to(own.path("downloaded.bin"))).await?.await?;
    own.faults(Faults::none());
    let job = Upload::new(&own.url("uploads/"), "uploaded.bin")?.from(own.path("downloaded.bin"));
    client.submit(job).await?.await?;
    client.close().await;

    provider.force_flush()?;
    Ok(())
}

/// Stands for the exporter to a collector.
struct Printer;

impl PushMetricExporter for Printer {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        for metric in metrics.scope_metrics().flat_map(|scope| scope.metrics()) {
            let name = format!("{} [{}]", metric.name(), metric.unit());
            match metric.data() {
                AggregatedMetrics::U64(data) => print(&name, data),
                AggregatedMetrics::I64(data) => print(&name, data),
                AggregatedMetrics::F64(data) => print(&name, data),
            }
        }
        Ok(())
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn temporality(&self) -> Temporality {
        Temporality::Cumulative
    }
}

fn print<T: Display + Copy>(name: &str, data: &MetricData<T>) {
    let line = |attributes: &mut dyn Iterator<Item = &KeyValue>, value: String| {
        let mut labels: Vec<String> = attributes.map(|pair| format!("{}={}", pair.key, pair.value)).collect();
        labels.sort();
        println!("{name} {} {value}", labels.join(" "));
    };
    match data {
        MetricData::Sum(sum) => {
            sum.data_points().for_each(|point| line(&mut point.attributes(), point.value().to_string()));
        }
        MetricData::Gauge(gauge) => {
            gauge.data_points().for_each(|point| line(&mut point.attributes(), point.value().to_string()));
        }
        MetricData::Histogram(histogram) => histogram.data_points().for_each(|point| {
            line(&mut point.attributes(), format!("{} times, {} in all", point.count(), point.sum()));
        }),
        MetricData::ExponentialHistogram(_) => {}
    }
}
