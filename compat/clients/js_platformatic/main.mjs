// @platformatic/kafka: producer, consumer streams and admin.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Admin, ConfigResourceTypes, Consumer, Producer } from "@platformatic/kafka";
import { check, equal, main, refused, until } from "../harness/javascript/feats.mjs";

const MEMBER = "--member";
const SESSION_TIMEOUT_MS = 6000;

const options = (run, more = {}) => ({ clientId: "odradek-compat", bootstrapBrokers: [run.bootstrap], retries: 5, ...more });
const text = (bytes) => (bytes === null || bytes === undefined ? null : `${bytes}`);

/** Whether an error, or one of those it was made of, has the code of Kafka's protocol. */
const says = (code) => (error) =>
  error?.apiId === code || [...(error?.errors ?? []), error?.cause].filter(Boolean).some(says(code));

async function withAdmin(run, work) {
  const admin = new Admin(options(run));
  try {
    return await work(admin);
  } finally {
    await admin.close();
  }
}

async function topic(run, partitions = 1, configs = [], part = "topic") {
  const name = run.name(part);
  await withAdmin(run, async (admin) => {
    await admin.createTopics({ topics: [name], partitions, replicas: 1, configs });
    await until(async () => (await partitionsOf(admin, name)).length === partitions);
  });
  return name;
}

async function partitionsOf(admin, name) {
  try {
    return (await admin.metadata({ topics: [name], forceUpdate: true })).topics.get(name).partitions;
  } catch (error) {
    check(says("UNKNOWN_TOPIC_OR_PARTITION")(error), error.message);
    return [];
  }
}

async function withProducer(run, more, work) {
  const producer = new Producer(options(run, more));
  try {
    return await work(producer);
  } finally {
    await producer.close();
  }
}

const produce = (run, name, messages, send = {}, more = {}) => withProducer(run, more, (producer) =>
  producer.send({ messages: messages.map((each) => ({ topic: name, ...each })), acks: -1, ...send }));

const bytes = (value) => Buffer.from(value);
const numbered = (count) => Array.from({ length: count }, (_, n) => ({ value: bytes(`value ${n}`), partition: 0 }));

/** A consumer of a group of its own with one stream; `records` grows. */
async function reading(run, name, { stream = {}, consumer: more = {} } = {}) {
  const consumer = new Consumer(options(run, { groupId: run.name(`reader-${Math.random()}`), ...more }));
  const reader = { consumer, records: [] };
  reader.stream = await consumer.consume({ topics: [name], mode: "earliest", autocommit: false, maxWaitTime: 200, ...stream });
  reader.stream.on("data", (message) => reader.records.push(message));
  reader.close = async () => {
    await reader.stream.close();
    await consumer.close(true);
  };
  return reader;
}

async function read(run, name, count, more) {
  const reader = await reading(run, name, more);
  await until(() => reader.records.length >= count);
  await reader.close();
  equal(count, reader.records.length);
  return reader.records;
}

const from = (name, offset) => ({ stream: { mode: "manual", offsets: [{ topic: name, partition: 0, offset }] } });

const produceAndConsume = (send, more) => async (run) => {
  const name = await topic(run);
  await produce(run, name, numbered(200), send, more);
  (await read(run, name, 200)).forEach((record, n) => equal([`value ${n}`, `${n}`], [text(record.value), `${record.offset}`]));
};

async function keys(run) {
  const name = await topic(run, 5);
  await produce(run, name, Array.from({ length: 100 }, (_, n) => ({ key: bytes(`key ${n % 20}`), value: bytes(`${n}`) })));
  const [placed, last] = [new Map(), new Map()];
  for (const record of await read(run, name, 100)) {
    const [key, number] = [text(record.key), Number(text(record.value))];
    equal(placed.get(key) ?? record.partition, record.partition);
    equal(last.get(key) ?? number - 20, number - 20);
    placed.set(key, record.partition);
    last.set(key, number);
  }
  check(new Set(placed.values()).size > 2, `20 keys are in partitions ${[...placed.values()]}`);
}

async function headers(run) {
  const name = await topic(run);
  const sent = new Map([["a", "1"], ["empty", ""], ["ключ", "значение"]]);
  await produce(run, name, [{ value: bytes("v"), headers: new Map([...sent].map(([k, v]) => [bytes(k), bytes(v)])) }]);
  equal([...sent], [...(await read(run, name, 1))[0].headers].map(([k, v]) => [text(k), text(v)]));
}

async function timestamps(run) {
  const name = await topic(run);
  const now = Date.now();
  const times = [now - 86_400_000, now, now - 5_000].map(BigInt);
  for (const timestamp of times) await produce(run, name, [{ value: bytes("v"), timestamp }]);
  equal(times, (await read(run, name, 3)).map((record) => record.timestamp));
}

async function emptyAndNull(run) {
  const name = await topic(run);
  await produce(run, name, [{ key: bytes("k") }, { key: bytes(""), value: bytes("") }, { value: bytes("v") }].map((each) => ({ ...each, partition: 0 })));
  equal([["k", null], ["", ""], [null, "v"]], (await read(run, name, 3)).map(({ key, value }) => [text(key), text(value)]));
}

async function oneMegabyte(run) {
  const name = await topic(run);
  const value = Buffer.from(Uint8Array.from({ length: 1_000_000 }, (_, i) => i * 31 + i / 251));
  await produce(run, name, [{ value }]);
  check(value.equals((await read(run, name, 1))[0].value), "other bytes came back");
  await refused(() => produce(run, name, [{ value: Buffer.alloc(2_000_000) }]), says("MESSAGE_TOO_LARGE"));
}

async function fromBeginning(run) {
  const name = await topic(run, 3);
  await produce(run, name, Array.from({ length: 90 }, (_, n) => ({ value: bytes(`${n}`), partition: n % 3 })));
  const next = [0, 0, 0];
  for (const { partition, offset, value } of await read(run, name, 90)) {
    equal([`${next[partition]}`, `${next[partition] * 3 + partition}`], [`${offset}`, text(value)]);
    next[partition] += 1;
  }
}

const fromOffsets = (...offsets) => async (run) => {
  const name = await topic(run);
  await produce(run, name, numbered(50));
  for (const offset of offsets) {
    const records = await read(run, name, 50 - offset, from(name, BigInt(offset)));
    equal([`${offset}`, "value 49"], [`${records[0].offset}`, text(records.at(-1).value)]);
  }
};

async function fromTime(run) {
  const name = await topic(run);
  const base = Date.now() - 100_000;
  for (let n = 0; n < 20; n += 1) await produce(run, name, [{ value: bytes(`value ${n}`), timestamp: BigInt(base + n * 1000) }]);
  const consumer = new Consumer(options(run, { groupId: run.name("asking") }));
  const found = await consumer.listOffsets({ topics: [name], timestamp: BigInt(base + 6500) });
  await consumer.close(true);
  equal([7n], found.get(name));
  equal("value 7", text((await read(run, name, 13, from(name, 7n)))[0].value));
}

async function pause(run) {
  const name = await topic(run);
  const reader = await reading(run, name);
  reader.stream.pause();
  await produce(run, name, numbered(20));
  equal(0, reader.records.length);
  reader.stream.resume();
  await until(() => reader.records.length === 20);
  await reader.close();
}

/** A member of the feat's group. */
async function join(run, name, more = {}) {
  const member = { records: [] };
  const timing = more.groupProtocol === "consumer" ? {} : { sessionTimeout: SESSION_TIMEOUT_MS, heartbeatInterval: 300 };
  const consumer = new Consumer(options(run, { groupId: run.name("group"), ...timing, ...more }));
  Object.defineProperty(member, "partitions", {
    get: () => (consumer.assignments ?? []).flatMap((each) => each.partitions),
  });
  const stream = await consumer.consume({ topics: [name], mode: "committed", fallbackMode: "earliest", maxWaitTime: 200 });
  stream.on("data", (message) => member.records.push(message));
  stream.on("error", () => {}); // a stream dies with its group's member; the feat sees what is missing
  member.leave = async () => {
    await stream.close();
    await consumer.close(true);
  };
  return member;
}

const shared = (members, share) => until(() =>
  members.every((member) => member.partitions.length === share)
    && new Set(members.flatMap((member) => member.partitions)).size === share * members.length);

const groupOfThree = (ending, more = {}) => async (run) => {
  const name = await topic(run, 6);
  const members = [await join(run, name, more), await join(run, name, more)];
  if (ending === "crashes") {
    const child = spawn(process.execPath, [fileURLToPath(import.meta.url), MEMBER, run.bootstrap, run.name("group"), name], { stdio: "ignore" });
    await shared(members, 2);
    child.kill("SIGKILL");
    const began = performance.now();
    await shared(members, 3);
    check(performance.now() - began > 4000, "a crash was noticed too early");
  } else {
    members.push(await join(run, name, more));
    await shared(members, 2);
    if (ending === "leaves") {
      await members.pop().leave();
      await shared(members, 3);
    }
  }
  await produce(run, name, Array.from({ length: 60 }, (_, n) => ({ value: bytes(`${n}`), partition: n % 6 })));
  // A fetch that was under way for a partition that a rebalance took from a member still gives it records.
  const own = (member) => new Set(member.records.filter(({ partition }) => member.partitions.includes(partition))
    .map(({ partition, offset }) => `${partition} ${offset}`));
  await until(() => members.every((member) => own(member).size === 60 / members.length));
  await Promise.all(members.map((member) => member.leave()));
};

async function staticMember(run) {
  const name = await topic(run, 6);
  const members = [];
  for (const id of ["one", "two", "three"]) members.push(await join(run, name, { groupInstanceId: id }));
  await shared(members, 2);
  const { members: described } = await group(run);
  equal(["one", "three", "two"], [...described.values()].map((each) => each.groupInstanceId).sort());
  await Promise.all(members.map((member) => member.leave()));
}

const group = (run) => withAdmin(run, async (admin) =>
  (await admin.describeGroups({ groups: [run.name("group")] })).get(run.name("group")));

async function roundRobin(run) {
  const name = await topic(run, 6);
  const members = [await join(run, name), await join(run, name)];
  await shared(members, 3);
  equal([[0, 2, 4], [1, 3, 5]], members.map((member) => [...member.partitions].sort()).sort());
  equal("roundrobin", (await group(run)).protocol);
  await Promise.all(members.map((member) => member.leave()));
}

const committed = (run, name) => withAdmin(run, async (admin) => {
  const topics = [{ name, partitionIndexes: [0] }];
  const found = await admin.listConsumerGroupOffsets({ groups: [{ groupId: run.name("group"), topics }] });
  return found[0].topics[0]?.partitions[0].committedOffset ?? -1n;
});

async function commit(run) {
  const name = await topic(run);
  await produce(run, name, numbered(30));
  for (const expected of [0n, 10n, 20n]) {
    const reader = await reading(run, name, {
      consumer: { groupId: run.name("group") }, stream: { mode: "committed", fallbackMode: "earliest" },
    });
    await until(() => reader.records.length >= 10);
    equal(expected, reader.records[0].offset);
    await reader.consumer.commit({ offsets: [{ topic: name, partition: 0, offset: expected + 10n, leaderEpoch: 0 }] });
    await reader.close();
    equal(expected + 10n, await committed(run, name));
  }
}

async function createTopic(run) {
  const name = run.name("topic");
  await withAdmin(run, async (admin) => {
    const wanted = { topics: [name], partitions: 4, replicas: 1, configs: [{ name: "retention.ms", value: "3600000" }] };
    const [created] = await admin.createTopics(wanted);
    equal([name, 4, "3600000"], [created.name, created.partitions, created.configuration["retention.ms"]]);
    await until(async () => (await admin.listTopics()).includes(name));
    await refused(() => admin.createTopics(wanted), says("TOPIC_ALREADY_EXISTS"));
  });
}

async function config(admin, name, entry) {
  const resource = { resourceType: ConfigResourceTypes.TOPIC, resourceName: name };
  return (await admin.describeConfigs({ resources: [resource] }))[0].configs.find((each) => each.name === entry).value;
}

async function describeTopic(run) {
  const name = await topic(run, 3, [{ name: "segment.bytes", value: "1048576" }]);
  await withAdmin(run, async (admin) => {
    (await partitionsOf(admin, name)).forEach(({ leader, isr }) => equal([leader], isr));
    equal("1048576", await config(admin, name, "segment.bytes"));
  });
}

async function alterConfigs(run) {
  const name = await topic(run);
  const alter = (admin, configOperation, entry, value) => admin.incrementalAlterConfigs({ resources: [
    { resourceType: ConfigResourceTypes.TOPIC, resourceName: name, configs: [{ name: entry, configOperation, value }] },
  ] });
  const [SET, DELETE, APPEND] = [0, 1, 2];
  await withAdmin(run, async (admin) => {
    await alter(admin, SET, "segment.ms", "1234567");
    await alter(admin, APPEND, "cleanup.policy", "compact");
    await until(async () => (await config(admin, name, "segment.ms")) === "1234567");
    await until(async () => (await config(admin, name, "cleanup.policy")) === "delete,compact");
    await alter(admin, DELETE, "segment.ms");
    await until(async () => (await config(admin, name, "segment.ms")) === "604800000");
    await refused(() => alter(admin, SET, "segment.ms", "soon"), says("INVALID_CONFIG"));
  });
}

async function addPartitions(run) {
  const name = await topic(run, 2);
  await withAdmin(run, async (admin) => {
    await admin.createPartitions({ topics: [{ name, count: 5, assignments: null }] });
    await until(async () => (await partitionsOf(admin, name)).length === 5);
    await refused(() => admin.createPartitions({ topics: [{ name, count: 3, assignments: null }] }), says("INVALID_PARTITIONS"));
  });
  const { offsets } = await produce(run, name, [{ value: bytes("v"), partition: 4 }]);
  equal([{ topic: name, partition: 4, offset: "0" }], offsets.map((each) => ({ topic: each.topic, partition: each.partition, offset: `${each.offset}` })));
}

async function deleteRecords(run) {
  const name = await topic(run);
  await produce(run, name, numbered(20));
  await withAdmin(run, async (admin) => {
    const deleted = await admin.deleteRecords({ topics: [{ name, partitions: [{ partition: 0, offset: 12n }] }] });
    equal(12n, deleted[0].partitions[0].lowWatermark);
  });
  equal("value 12", text((await read(run, name, 8))[0].value));
}

async function deleteTopic(run) {
  const name = await topic(run, 2);
  await withAdmin(run, async (admin) => {
    await admin.deleteTopics({ topics: [name] });
    await until(async () => !(await admin.listTopics()).includes(name));
    await refused(() => admin.deleteTopics({ topics: [name] }), says("UNKNOWN_TOPIC_OR_PARTITION"));
  });
}

async function listGroups(run) {
  const member = await join(run, await topic(run));
  await shared([member], 1);
  await withAdmin(run, async (admin) => equal("STABLE", (await admin.listGroups()).get(run.name("group")).state));
  await member.leave();
}

async function describeGroup(run) {
  const name = await topic(run, 3);
  const member = await join(run, name, { clientId: "it-is-me" });
  await shared([member], 3);
  const found = await group(run);
  const [only] = [...found.members.values()];
  equal([1, "it-is-me", "/127.0.0.1"], [found.members.size, only.clientId, only.clientHost]);
  equal([0, 1, 2], [...only.assignments.get(name).partitions].sort());
  await member.leave();
}

async function resetOffsets(run) {
  const name = await topic(run);
  await produce(run, name, numbered(20));
  const groupId = run.name("group");
  await withAdmin(run, (admin) =>
    admin.alterConsumerGroupOffsets({ groupId, topics: [{ name, partitionOffsets: [{ partition: 0, offset: 15n }] }] }));
  equal(15n, await committed(run, name));
  equal("value 15", text((await read(run, name, 5, { consumer: { groupId }, stream: { mode: "committed" } }))[0].value));
  await withAdmin(run, (admin) => admin.deleteConsumerGroupOffsets({ groupId, topics: [{ name, partitionIndexes: [0] }] }));
  equal(-1n, await committed(run, name));
}

async function deleteGroup(run) {
  const member = await join(run, await topic(run));
  await shared([member], 1);
  const groups = [run.name("group")];
  await withAdmin(run, async (admin) => {
    await refused(() => admin.deleteGroups({ groups }), says("NON_EMPTY_GROUP"));
    await member.leave();
    await admin.deleteGroups({ groups });
    await refused(() => admin.deleteGroups({ groups }), says("GROUP_ID_NOT_FOUND"));
  });
}

const transactional = (run, work) =>
  withProducer(run, { transactionalId: run.name("id"), idempotent: true }, work);

async function transactionCommit(run) {
  const name = await topic(run);
  const reader = await reading(run, name, { stream: { isolationLevel: 1 } });
  await transactional(run, async (producer) => {
    const transaction = await producer.beginTransaction();
    await transaction.send({ messages: numbered(20).map((each) => ({ topic: name, ...each })) });
    equal(0, reader.records.length);
    await transaction.commit();
  });
  await until(() => reader.records.length === 20);
  await reader.close();
}

async function transactionAbort(run) {
  const name = await topic(run);
  await transactional(run, async (producer) => {
    for (const [value, end] of [["aborted", "abort"], ["committed", "commit"]]) {
      const transaction = await producer.beginTransaction();
      await transaction.send({ messages: [{ topic: name, value: bytes(value), partition: 0 }] });
      await transaction[end]();
    }
  });
  const [record] = await read(run, name, 1, { stream: { isolationLevel: 1 } });
  equal(["2", "committed"], [`${record.offset}`, text(record.value)]);
}

async function transactionOffsets(run) {
  const source = await topic(run, 1, [], "source");
  const sink = await topic(run, 1, [], "sink");
  await produce(run, source, numbered(10));
  const reader = await reading(run, source, { consumer: { groupId: run.name("group") } });
  await until(() => reader.records.length === 10);
  await transactional(run, async (producer) => {
    for (const [end, offset] of [["abort", -1n], ["commit", 10n]]) {
      const transaction = await producer.beginTransaction();
      await transaction.addConsumer(reader.consumer);
      await transaction.send({ messages: [{ topic: sink, value: bytes(end), partition: 0 }] });
      await transaction.addOffset(reader.records.at(-1));
      await transaction[end]();
      // The offset counts once the coordinator has written its marker, after the producer was answered.
      await until(async () => (await committed(run, source)) === offset);
    }
  });
  await reader.close();
  equal("commit", text((await read(run, sink, 1, { stream: { isolationLevel: 1 } }))[0].value));
}

if (process.argv[2] === MEMBER) {
  const [bootstrap, groupId, name] = process.argv.slice(3);
  await join({ bootstrap, name: () => groupId }, name);
  await new Promise(() => {});
}

await main({
  "produce-acks-0": produceAndConsume({ acks: 0 }),
  "produce-acks-1": produceAndConsume({ acks: 1 }),
  "produce-acks-all": produceAndConsume({ acks: -1 }),
  "produce-gzip": produceAndConsume({ compression: "gzip" }),
  "produce-snappy": produceAndConsume({ compression: "snappy" }),
  "produce-lz4": produceAndConsume({ compression: "lz4" }),
  "produce-zstd": produceAndConsume({ compression: "zstd" }),
  "produce-keys": keys,
  "produce-headers": headers,
  "produce-timestamps": timestamps,
  "produce-empty-and-null": emptyAndNull,
  "produce-1mb": oneMegabyte,
  "produce-idempotent": produceAndConsume({ idempotent: true }),
  "consume-from-beginning": fromBeginning,
  "consume-from-offset": fromOffsets(37),
  "consume-from-time": fromTime,
  "consume-pause": pause,
  "consume-seek": fromOffsets(0, 3, 49, 20),
  "group-join": groupOfThree("stays"),
  "group-leave": groupOfThree("leaves"),
  "group-crash": groupOfThree("crashes"),
  "group-static": staticMember,
  "group-roundrobin": roundRobin,
  "group-commit": commit,
  "group-consumer-protocol": groupOfThree("leaves", { groupProtocol: "consumer" }),
  "admin-create-topic": createTopic,
  "admin-describe-topic": describeTopic,
  "admin-alter-configs": alterConfigs,
  "admin-add-partitions": addPartitions,
  "admin-delete-records": deleteRecords,
  "admin-delete-topic": deleteTopic,
  "admin-list-groups": listGroups,
  "admin-describe-group": describeGroup,
  "admin-reset-offsets": resetOffsets,
  "admin-delete-group": deleteGroup,
  "transaction-commit": transactionCommit,
  "transaction-abort": transactionAbort,
  "transaction-offsets": transactionOffsets,
});
