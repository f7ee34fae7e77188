//! rskafka: one partition at a time, no groups. Arguments: the broker's host:port, a prefix for names, the feats
//! separated by commas; one JSON line for each feat on standard output.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt::Debug;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use rskafka::client::error::{Error as KafkaError, ProtocolError};
use rskafka::client::partition::{Compression, OffsetAt, PartitionClient, UnknownTopicHandling};
use rskafka::client::{Client, ClientBuilder};
use rskafka::record::{Record, RecordAndOffset};

type Done = Result<(), Box<dyn Error>>;

const TIMEOUT: Duration = Duration::from_secs(45);
const ADMIN_TIMEOUT_MS: i32 = 10_000;

/// One feat's own names and its client.
struct Run {
    client: Client,
    prefix: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Done {
    let arguments: Vec<String> = std::env::args().collect();
    for feat in arguments[3].split(',') {
        let began = Instant::now();
        let run = Run {
            client: ClientBuilder::new(vec![arguments[1].clone()]).build().await?,
            prefix: format!("{}-{feat}", arguments[2]),
        };
        let wrong = match tokio::time::timeout(TIMEOUT, attempt(feat, &run)).await {
            Ok(Ok(())) => String::new(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("not done after {TIMEOUT:?}"),
        };
        let detail: String = wrong.chars().filter(|c| !c.is_control() && *c != '"' && *c != '\\').collect();
        println!(
            "{{\"feat\": \"{feat}\", \"ok\": {}, \"detail\": \"{detail}\", \"seconds\": {:.2}}}",
            wrong.is_empty(),
            began.elapsed().as_secs_f64()
        );
    }
    Ok(())
}

async fn attempt(feat: &str, run: &Run) -> Done {
    match feat {
        "produce-acks-all" => produce_and_consume(run, Compression::NoCompression).await,
        "produce-gzip" => produce_and_consume(run, Compression::Gzip).await,
        "produce-snappy" => produce_and_consume(run, Compression::Snappy).await,
        "produce-lz4" => produce_and_consume(run, Compression::Lz4).await,
        "produce-zstd" => produce_and_consume(run, Compression::Zstd).await,
        "produce-headers" => headers(run).await,
        "produce-timestamps" => timestamps(run).await,
        "produce-empty-and-null" => empty_and_null(run).await,
        "produce-1mb" => one_megabyte(run).await,
        "consume-from-beginning" => from_beginning(run).await,
        "consume-from-offset" => from_offsets(run, &[37]).await,
        "consume-from-time" => from_time(run).await,
        "consume-seek" => from_offsets(run, &[0, 3, 49, 20]).await,
        "admin-create-topic" => create_topic(run).await,
        "admin-delete-records" => delete_records(run).await,
        "admin-delete-topic" => delete_topic(run).await,
        unknown => Err(format!("no feat is called {unknown}").into()),
    }
}

fn equal<T: PartialEq + Debug>(expected: T, found: T) -> Done {
    if expected == found {
        return Ok(());
    }
    let said = format!("expected {expected:?}, found {found:?}");
    Err(said.chars().take(300).collect::<String>().into())
}

fn record(value: &str) -> Record {
    Record {
        key: None,
        value: Some(value.into()),
        headers: BTreeMap::new(),
        timestamp: DateTime::from_timestamp_millis(Utc::now().timestamp_millis()).unwrap(),
    }
}

fn numbered(count: usize) -> Vec<Record> {
    (0..count).map(|number| record(&format!("value {number}"))).collect()
}

fn text(found: &RecordAndOffset) -> String {
    String::from_utf8_lossy(found.record.value.as_deref().unwrap_or_default()).into_owned()
}

async fn topic(run: &Run, partitions: i32) -> Result<String, Box<dyn Error>> {
    let name = format!("{}-topic", run.prefix);
    run.client.controller_client()?.create_topic(&name, partitions, 1, ADMIN_TIMEOUT_MS).await?;
    Ok(name)
}

async fn partition(run: &Run, topic: &str, number: i32) -> Result<PartitionClient, Box<dyn Error>> {
    Ok(run.client.partition_client(topic, number, UnknownTopicHandling::Retry).await?)
}

async fn only_partition(run: &Run) -> Result<PartitionClient, Box<dyn Error>> {
    partition(run, &topic(run, 1).await?, 0).await
}

/// Everything from `offset` to the partition's end.
async fn read(partition: &PartitionClient, offset: i64) -> Result<Vec<RecordAndOffset>, Box<dyn Error>> {
    let end = partition.get_offset(OffsetAt::Latest).await?;
    let (mut records, mut next) = (Vec::new(), offset);
    while next < end {
        let (found, _) = partition.fetch_records(next, 1..4_000_000, 500).await?;
        records.extend(found.into_iter().filter(|each| each.offset >= next));
        next = records.last().map_or(next, |last: &RecordAndOffset| last.offset + 1);
    }
    Ok(records)
}

async fn produce_and_consume(run: &Run, compression: Compression) -> Done {
    let partition = only_partition(run).await?;
    let sent = partition.produce(numbered(200), compression).await?;
    equal((0..200).collect::<Vec<i64>>(), sent)?;
    let found = read(&partition, 0).await?;
    equal((0..200).collect::<Vec<i64>>(), found.iter().map(|each| each.offset).collect())?;
    equal((0..200).map(|n| format!("value {n}")).collect::<Vec<_>>(), found.iter().map(text).collect())
}

async fn headers(run: &Run) -> Done {
    let partition = only_partition(run).await?;
    let headers = BTreeMap::from([
        ("a".to_owned(), b"1".to_vec()),
        ("empty".to_owned(), vec![]),
        ("ключ".to_owned(), "значение".into()),
    ]);
    let sent = Record { headers: headers.clone(), ..record("v") };
    partition.produce(vec![sent], Compression::NoCompression).await?;
    equal(headers, read(&partition, 0).await?.remove(0).record.headers)
}

async fn timestamps(run: &Run) -> Done {
    let partition = only_partition(run).await?;
    let now = Utc::now().timestamp_millis();
    let times = [now - 86_400_000, now, now - 5_000];
    for time in times {
        let sent = Record { timestamp: DateTime::from_timestamp_millis(time).unwrap(), ..record("v") };
        partition.produce(vec![sent], Compression::NoCompression).await?;
    }
    let found = read(&partition, 0).await?;
    equal(times.to_vec(), found.iter().map(|each| each.record.timestamp.timestamp_millis()).collect())
}

async fn empty_and_null(run: &Run) -> Done {
    let partition = only_partition(run).await?;
    let pairs: [(Option<Vec<u8>>, Option<Vec<u8>>); 3] =
        [(None, None), (Some(vec![]), Some(vec![])), (Some(b"k".to_vec()), None)];
    let sent = pairs.iter().map(|(key, value)| Record { key: key.clone(), value: value.clone(), ..record("") });
    partition.produce(sent.collect(), Compression::NoCompression).await?;
    let found = read(&partition, 0).await?.into_iter().map(|each| (each.record.key, each.record.value));
    equal(pairs.to_vec(), found.collect())
}

async fn one_megabyte(run: &Run) -> Done {
    let partition = only_partition(run).await?;
    let large: Vec<u8> = (0..1_000_000_usize).map(|i| (i * 31 + i / 251) as u8).collect();
    let sent = Record { value: Some(large.clone()), ..record("") };
    partition.produce(vec![sent], Compression::NoCompression).await?;
    if read(&partition, 0).await?[0].record.value.as_ref() != Some(&large) {
        return Err("other bytes came back".into());
    }
    let huge = Record { value: Some(vec![0; 2_000_000]), ..record("") };
    refused(partition.produce(vec![huge], Compression::NoCompression).await, ProtocolError::MessageTooLarge)
}

fn refused<T>(answer: Result<T, KafkaError>, expected: ProtocolError) -> Done {
    match answer {
        Ok(_) => Err(format!("it must be refused with {expected:?}").into()),
        Err(KafkaError::ServerError { protocol_error, .. }) => equal(expected, protocol_error),
        Err(other) => Err(other.into()),
    }
}

async fn from_beginning(run: &Run) -> Done {
    let name = topic(run, 3).await?;
    for number in 0..3 {
        let partition = partition(run, &name, number).await?;
        partition.produce(numbered(30), Compression::NoCompression).await?;
        equal(0, partition.get_offset(OffsetAt::Earliest).await?)?;
        equal(30, read(&partition, 0).await?.len())?;
    }
    Ok(())
}

async fn from_offsets(run: &Run, offsets: &[i64]) -> Done {
    let partition = only_partition(run).await?;
    partition.produce(numbered(50), Compression::NoCompression).await?;
    for offset in offsets {
        let found = read(&partition, *offset).await?;
        equal(*offset, found[0].offset)?;
        equal((50 - offset) as usize, found.len())?;
        equal("value 49".to_owned(), text(found.last().unwrap()))?;
    }
    Ok(())
}

async fn from_time(run: &Run) -> Done {
    let partition = only_partition(run).await?;
    let base = Utc::now().timestamp_millis() - 100_000;
    for (number, each) in numbered(20).into_iter().enumerate() {
        let timestamp = DateTime::from_timestamp_millis(base + number as i64 * 1000).unwrap();
        partition.produce(vec![Record { timestamp, ..each }], Compression::NoCompression).await?;
    }
    let between = DateTime::from_timestamp_millis(base + 6500).unwrap();
    let offset = partition.get_offset(OffsetAt::Timestamp(between)).await?;
    equal(7, offset)?;
    equal("value 7".to_owned(), text(&read(&partition, offset).await?[0]))
}

async fn create_topic(run: &Run) -> Done {
    let name = topic(run, 4).await?;
    loop {
        let topics = run.client.list_topics().await?;
        if let Some(found) = topics.into_iter().find(|each| each.name == name) {
            equal(BTreeSet::from([0, 1, 2, 3]), found.partitions)?;
            break;
        }
    }
    let again = run.client.controller_client()?.create_topic(&name, 4, 1, ADMIN_TIMEOUT_MS).await;
    refused(again, ProtocolError::TopicAlreadyExists)
}

async fn delete_records(run: &Run) -> Done {
    let partition = only_partition(run).await?;
    partition.produce(numbered(20), Compression::NoCompression).await?;
    partition.delete_records(12, ADMIN_TIMEOUT_MS).await?;
    equal(12, partition.get_offset(OffsetAt::Earliest).await?)?;
    equal("value 12".to_owned(), text(&read(&partition, 12).await?[0]))
}

async fn delete_topic(run: &Run) -> Done {
    let name = topic(run, 2).await?;
    let controller = run.client.controller_client()?;
    controller.delete_topic(&name, ADMIN_TIMEOUT_MS).await?;
    while run.client.list_topics().await?.iter().any(|each| each.name == name) {}
    refused(controller.delete_topic(&name, ADMIN_TIMEOUT_MS).await, ProtocolError::UnknownTopicOrPartition)
}
