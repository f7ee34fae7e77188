// kafkajs: producer, consumer groups and admin.
import net from "node:net";
import kafkajs from "kafkajs";
import snappy from "kafkajs-snappy";
import { check, equal, main, refused, until } from "../harness/javascript/feats.mjs";

const { Kafka, CompressionTypes, CompressionCodecs, ConfigResourceTypes, AssignerProtocol, Partitioners, logLevel } = kafkajs;
CompressionCodecs[CompressionTypes.Snappy] = snappy;

const SESSION_TIMEOUT_MS = 6000;
const MAX_WAIT_MS = 200; // a consumer that is leaving waits for its last fetch, by default for five seconds
const client = (run, options = {}) =>
  new Kafka({ clientId: "odradek-compat", brokers: [run.bootstrap], logLevel: logLevel.NOTHING, ...options });

async function withAdmin(run, work) {
  const admin = client(run).admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

async function topic(run, partitions = 1, configEntries = [], part = "topic") {
  const name = run.name(part);
  await withAdmin(run, (admin) =>
    admin.createTopics({ topics: [{ topic: name, numPartitions: partitions, replicationFactor: 1, configEntries }] }),
  );
  return name;
}

async function produce(run, name, messages, { send = {}, producer: options = {} } = {}) {
  const producer = client(run).producer({ createPartitioner: Partitioners.DefaultPartitioner, ...options });
  await producer.connect();
  try {
    return await producer.send({ topic: name, messages, ...send });
  } finally {
    await producer.disconnect();
  }
}

const numbered = (count) => Array.from({ length: count }, (_, number) => ({ value: `value ${number}` }));

/** A consumer that keeps what it reads; kafkajs has no consumer without a group. */
async function reading(run, name, { options = {}, start = () => {}, config = {}, each = {} } = {}) {
  const reader = { records: [], consumer: client(run, options).consumer({ maxWaitTimeInMs: MAX_WAIT_MS, groupId: run.name(`reader-${Math.random()}`), ...config }) };
  await reader.consumer.connect();
  await reader.consumer.subscribe({ topic: name, fromBeginning: true });
  await reader.consumer.run({
    autoCommit: false,
    eachMessage: async ({ message, partition }) => void reader.records.push({ ...message, partition }),
    ...each,
  });
  start(reader.consumer);
  return reader;
}

async function read(run, name, count, options) {
  const reader = await reading(run, name, options);
  await until(() => reader.records.length >= count);
  await reader.consumer.disconnect();
  equal(count, reader.records.length);
  return reader.records;
}

const produceAndConsume = (options) => async (run) => {
  const name = await topic(run);
  const answer = await produce(run, name, numbered(200), options);
  if (options.send?.acks !== 0) equal("0", answer[0].baseOffset);
  const records = await read(run, name, 200);
  records.forEach((record, number) => equal([`value ${number}`, `${number}`], [`${record.value}`, record.offset]));
};

async function keys(run) {
  const name = await topic(run, 5);
  await produce(run, name, Array.from({ length: 100 }, (_, n) => ({ key: `key ${n % 20}`, value: `${n}` })));
  const placed = new Map();
  const last = new Map();
  for (const { key, value, partition } of await read(run, name, 100)) {
    equal(placed.get(`${key}`) ?? partition, partition);
    placed.set(`${key}`, partition);
    equal(last.get(`${key}`) ?? Number(value) - 20, Number(value) - 20);
    last.set(`${key}`, Number(value));
  }
  check(new Set(placed.values()).size > 2, `20 keys are in partitions ${[...placed.values()]}`);
}

async function headers(run) {
  const name = await topic(run);
  await produce(run, name, [{ value: "v", headers: { a: ["1", "2"], empty: "", ключ: "значение" } }]);
  const found = (await read(run, name, 1))[0].headers;
  equal({ a: ["1", "2"], empty: "", ключ: "значение" },
    Object.fromEntries(Object.entries(found).map(([k, v]) => [k, Array.isArray(v) ? v.map(String) : String(v)])));
}

async function timestamps(run) {
  const name = await topic(run);
  const now = Date.now();
  const times = [now - 86_400_000, now, now - 5_000].map(String);
  await produce(run, name, times.map((timestamp) => ({ value: "v", timestamp })));
  equal(times, (await read(run, name, 3)).map((record) => record.timestamp));
}

async function emptyAndNull(run) {
  const name = await topic(run);
  await produce(run, name, [{ key: "k", value: null }, { key: "", value: "" }, { value: "v" }]);
  const text = (bytes) => (bytes === null ? null : `${bytes}`);
  equal([["k", null], ["", ""], [null, "v"]], (await read(run, name, 3)).map(({ key, value }) => [text(key), text(value)]));
}

async function oneMegabyte(run) {
  const name = await topic(run);
  const value = Buffer.from(Uint8Array.from({ length: 1_000_000 }, (_, i) => i * 31 + i / 251));
  await produce(run, name, [{ value }]);
  check(value.equals((await read(run, name, 1))[0].value), "other bytes came back");
  await refused(() => produce(run, name, [{ value: Buffer.alloc(2_000_000) }]), (error) => error.type === "MESSAGE_TOO_LARGE");
}

async function fromBeginning(run) {
  const name = await topic(run, 3);
  await produce(run, name, Array.from({ length: 90 }, (_, n) => ({ value: `${n}`, partition: n % 3 })));
  const next = [0, 0, 0];
  for (const { partition, offset, value } of await read(run, name, 90, { config: { maxBytesPerPartition: 300 } })) {
    equal([`${next[partition]}`, `${next[partition] * 3 + partition}`], [offset, `${value}`]);
    next[partition] += 1;
  }
}

async function fromOffset(run) {
  const name = await topic(run);
  await produce(run, name, numbered(50));
  const start = (consumer) => consumer.seek({ topic: name, partition: 0, offset: "37" });
  const records = await read(run, name, 13, { start });
  equal(["37", "value 49"], [records[0].offset, `${records[12].value}`]);
}

async function fromTime(run) {
  const name = await topic(run);
  const base = Date.now() - 100_000;
  for (let n = 0; n < 20; n += 1) await produce(run, name, [{ value: `value ${n}`, timestamp: `${base + n * 1000}` }]);
  const found = await withAdmin(run, (admin) => admin.fetchTopicOffsetsByTimestamp(name, base + 6500));
  equal([{ partition: 0, offset: "7" }], found);
  const start = (consumer) => consumer.seek({ topic: name, partition: 0, offset: found[0].offset });
  equal("value 7", `${(await read(run, name, 13, { start }))[0].value}`);
}

async function pause(run) {
  const name = await topic(run, 2);
  const reader = await reading(run, name, { start: (consumer) => consumer.pause([{ topic: name, partitions: [0] }]) });
  await produce(run, name, Array.from({ length: 20 }, (_, n) => ({ value: `${n}`, partition: n % 2 })));
  await until(() => reader.records.length >= 10);
  equal([1], [...new Set(reader.records.map((record) => record.partition))]);
  reader.consumer.resume([{ topic: name, partitions: [0] }]);
  await until(() => reader.records.length === 20);
  equal(Array.from({ length: 10 }, (_, n) => `${n * 2}`), reader.records.slice(10).map((record) => `${record.value}`));
  await reader.consumer.disconnect();
}

async function seek(run) {
  const name = await topic(run);
  await produce(run, name, numbered(30));
  const reader = await reading(run, name);
  await until(() => reader.records.length === 30);
  for (const offset of [3, 29]) {
    reader.records.length = 0;
    reader.consumer.seek({ topic: name, partition: 0, offset: `${offset}` });
    await until(() => reader.records.length === 30 - offset);
    equal(`${offset}`, reader.records[0].offset);
  }
  await reader.consumer.disconnect();
}

/** A member of the feat's group; `crash` cuts its connections and lets it make no others. */
async function join(run, name, { config = {}, clientId = "odradek-compat" } = {}) {
  const sockets = [];
  const member = { partitions: [], records: [], crashed: false };
  const socketFactory = ({ host, port, onConnect }) => {
    const socket = net.connect(member.crashed ? { host: "127.0.0.1", port: 1 } : { host, port }, onConnect);
    sockets.push(socket);
    return socket;
  };
  const consumer = client(run, { socketFactory, clientId }).consumer({
    groupId: run.name("group"), sessionTimeout: SESSION_TIMEOUT_MS, heartbeatInterval: 300,
    maxWaitTimeInMs: MAX_WAIT_MS, ...config,
  });
  member.crash = () => {
    member.crashed = true;
    sockets.forEach((socket) => socket.destroy());
  };
  member.leave = () => consumer.disconnect();
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    member.partitions = payload.memberAssignment[name] ?? [];
    member.protocol = payload.groupProtocol;
  });
  await consumer.connect();
  await consumer.subscribe({ topic: name, fromBeginning: true });
  await consumer.run({ eachMessage: async ({ message, partition }) => void member.records.push({ ...message, partition }) });
  return member;
}

const shared = (members, share) => until(() =>
  members.every((member) => member.partitions.length === share)
    && new Set(members.flatMap((member) => member.partitions)).size === share * members.length);

const groupOfThree = (ending) => async (run) => {
  const name = await topic(run, 6);
  const members = await Promise.all([join(run, name), join(run, name), join(run, name)]);
  await shared(members, 2);
  if (ending !== "stays") {
    const began = performance.now();
    const third = members.pop();
    if (ending === "crashes") third.crash();
    else await third.leave();
    await shared(members, 3);
    check(ending === "leaves" || performance.now() - began > 4000, "a crash was noticed too early");
  }
  await produce(run, name, Array.from({ length: 60 }, (_, n) => ({ value: `${n}`, partition: n % 6 })));
  await until(() => members.every((member) => member.records.length >= 60 / members.length));
  for (const member of members) {
    equal(60 / members.length, member.records.length);
    equal([...member.partitions].sort(), [...new Set(member.records.map((record) => record.partition))].sort());
  }
  await Promise.all(members.map((member) => member.leave()));
};

async function roundRobin(run) {
  const name = await topic(run, 6);
  const members = await Promise.all([join(run, name), join(run, name)]);
  await shared(members, 3);
  // kafkajs goes round in the order in which the broker lists the partitions.
  const listed = await withAdmin(run, async (admin) => (await admin.fetchTopicMetadata({ topics: [name] })).topics[0].partitions);
  const turns = [0, 1].map((turn) => listed.map((each) => each.partitionId).filter((_, n) => n % 2 === turn).sort());
  equal(turns.sort(), members.map((member) => [...member.partitions].sort()).sort());
  equal("RoundRobinAssigner", (await describedGroup(run)).protocol);
  await Promise.all(members.map((member) => member.leave()));
}

const describedGroup = (run) =>
  withAdmin(run, async (admin) => (await admin.describeGroups([run.name("group")])).groups[0]);

async function commit(run) {
  const name = await topic(run);
  await produce(run, name, numbered(30));
  const groupId = run.name("group");
  for (const expected of [0, 10, 20]) {
    const reader = await reading(run, name, { config: { groupId } });
    await until(() => reader.records.length >= 10);
    equal(`${expected}`, reader.records[0].offset);
    await reader.consumer.commitOffsets([{ topic: name, partition: 0, offset: `${expected + 10}`, metadata: "so far" }]);
    await reader.consumer.disconnect();
    equal([{ partition: 0, offset: `${expected + 10}`, metadata: "so far" }], await committed(run, name));
  }
}

const committed = (run, name) => withAdmin(run, async (admin) =>
  (await admin.fetchOffsets({ groupId: run.name("group"), topics: [name] }))[0].partitions);

async function createTopic(run) {
  const wanted = { topic: run.name("topic"), numPartitions: 4, replicationFactor: 1,
    configEntries: [{ name: "retention.ms", value: "3600000" }] };
  await withAdmin(run, async (admin) => {
    equal(true, await admin.createTopics({ topics: [wanted] }));
    equal(4, (await admin.fetchTopicMetadata({ topics: [wanted.topic] })).topics[0].partitions.length);
    equal("3600000", await config(admin, wanted.topic, "retention.ms"));
    check((await admin.listTopics()).includes(wanted.topic), "it is not in the list");
    equal(false, await admin.createTopics({ topics: [wanted] }));
  });
}

async function config(admin, name, entry) {
  const found = await admin.describeConfigs({ includeSynonyms: false, resources: [{ type: ConfigResourceTypes.TOPIC, name }] });
  return found.resources[0].configEntries.find((each) => each.configName === entry).configValue;
}

async function describeTopic(run) {
  const name = await topic(run, 3, [{ name: "segment.bytes", value: "1048576" }]);
  await withAdmin(run, async (admin) => {
    const { partitions } = (await admin.fetchTopicMetadata({ topics: [name] })).topics[0];
    equal([0, 1, 2], partitions.map((each) => each.partitionId).sort());
    partitions.forEach((each) => equal([each.leader], each.isr));
    equal("1048576", await config(admin, name, "segment.bytes"));
    equal(1, (await admin.describeCluster()).brokers.length);
  });
}

async function alterConfigs(run) {
  const name = await topic(run);
  const alter = (value) => (admin) => admin.alterConfigs({ validateOnly: false,
    resources: [{ type: ConfigResourceTypes.TOPIC, name, configEntries: [{ name: "segment.ms", value }] }] });
  await withAdmin(run, async (admin) => {
    await alter("1234567")(admin);
    await until(async () => (await config(admin, name, "segment.ms")) === "1234567");
    await refused(() => alter("soon")(admin), (error) => error.type === "INVALID_CONFIG");
  });
}

async function addPartitions(run) {
  const name = await topic(run, 2);
  const count = (total) => (admin) => admin.createPartitions({ topicPartitions: [{ topic: name, count: total }] });
  await withAdmin(run, async (admin) => {
    await count(5)(admin);
    await until(async () => (await admin.fetchTopicMetadata({ topics: [name] })).topics[0].partitions.length === 5);
    await refused(() => count(3)(admin), (error) => error.type === "INVALID_PARTITIONS" || /INVALID_PARTITIONS|fewer|higher|partitions/i.test(error.message));
  });
  equal("0", (await produce(run, name, [{ value: "v", partition: 4 }]))[0].baseOffset);
}

async function deleteRecords(run) {
  const name = await topic(run);
  await produce(run, name, numbered(20));
  await withAdmin(run, async (admin) => {
    await admin.fetchTopicOffsets(name); // without it kafkajs does not know who leads the partition
    await admin.deleteTopicRecords({ topic: name, partitions: [{ partition: 0, offset: "12" }] });
    equal({ partition: 0, offset: "20", high: "20", low: "12" }, (await admin.fetchTopicOffsets(name))[0]);
  });
  equal(["12", "value 12"], (await read(run, name, 8)).slice(0, 1).flatMap(({ offset, value }) => [offset, `${value}`]));
}

async function deleteTopic(run) {
  const name = await topic(run, 2);
  await withAdmin(run, async (admin) => {
    await admin.deleteTopics({ topics: [name] });
    await until(async () => !(await admin.listTopics()).includes(name));
    await refused(() => admin.deleteTopics({ topics: [name] }), (error) => /UNKNOWN_TOPIC_OR_PARTITION|does not host/.test(`${error.type} ${error.message}`));
  });
}

async function listGroups(run) {
  const member = await join(run, await topic(run));
  await shared([member], 1);
  const { groups } = await withAdmin(run, (admin) => admin.listGroups());
  equal([{ groupId: run.name("group"), protocolType: "consumer" }], groups.filter((group) => group.groupId === run.name("group")));
  await member.leave();
}

async function describeGroup(run) {
  const name = await topic(run, 3);
  const member = await join(run, name, { clientId: "it is me" });
  await shared([member], 3);
  const group = await describedGroup(run);
  equal(["Stable", 1, "it is me", "/127.0.0.1"],
    [group.state, group.members.length, group.members[0].clientId, group.members[0].clientHost]);
  const { assignment } = AssignerProtocol.MemberAssignment.decode(group.members[0].memberAssignment);
  equal([0, 1, 2], assignment[name].sort());
  await member.leave();
}

async function resetOffsets(run) {
  const name = await topic(run);
  await produce(run, name, numbered(20));
  const groupId = run.name("group");
  await withAdmin(run, async (admin) => {
    await admin.setOffsets({ groupId, topic: name, partitions: [{ partition: 0, offset: "15" }] });
    equal("15", (await committed(run, name))[0].offset);
  });
  equal("value 15", `${(await read(run, name, 5, { config: { groupId } }))[0].value}`);
}

async function deleteGroup(run) {
  const member = await join(run, await topic(run));
  await shared([member], 1);
  const groupId = run.name("group");
  const fails = (type) => (error) => error.groups?.[0]?.error?.type === type || `${error.message}` === type;
  await withAdmin(run, async (admin) => {
    await refused(() => admin.deleteGroups([groupId]), fails("NON_EMPTY_GROUP"));
    await member.leave();
    equal(0, (await admin.deleteGroups([groupId]))[0].errorCode ?? 0);
    await refused(() => admin.deleteGroups([groupId]), fails("GROUP_ID_NOT_FOUND"));
  });
}

async function transactional(run, work) {
  const producer = client(run).producer({ transactionalId: run.name("id"), idempotent: true, maxInFlightRequests: 1,
    createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  await work(producer);
  await producer.disconnect();
}

async function transactionCommit(run) {
  const name = await topic(run);
  const reader = await reading(run, name);
  await transactional(run, async (producer) => {
    const transaction = await producer.transaction();
    await transaction.send({ topic: name, messages: numbered(20) });
    equal(0, reader.records.length);
    await transaction.commit();
  });
  await until(() => reader.records.length === 20);
  await reader.consumer.disconnect();
}

async function transactionAbort(run) {
  const name = await topic(run);
  await transactional(run, async (producer) => {
    for (const [value, end] of [["aborted", "abort"], ["committed", "commit"]]) {
      const transaction = await producer.transaction();
      await transaction.send({ topic: name, messages: [{ value }] });
      await transaction[end]();
    }
  });
  equal(["2", "committed"], (await read(run, name, 1)).flatMap(({ offset, value }) => [offset, `${value}`]));
  equal(2, (await read(run, name, 2, { config: { readUncommitted: true } })).length);
}

async function transactionOffsets(run) {
  const source = await topic(run, 1, [], "source");
  const sink = await topic(run, 1, [], "sink");
  await produce(run, source, numbered(10));
  const consumerGroupId = run.name("group");
  await read(run, source, 10, { config: { groupId: consumerGroupId } });
  await transactional(run, async (producer) => {
    for (const [end, offset] of [["abort", "-1"], ["commit", "10"]]) {
      const transaction = await producer.transaction();
      await transaction.send({ topic: sink, messages: [{ value: end }] });
      const offsets = { consumerGroupId, topics: [{ topic: source, partitions: [{ partition: 0, offset: "10" }] }] };
      await transaction.sendOffsets(offsets);
      await transaction[end]();
      // The offset counts once the coordinator has written its marker, after the producer was answered.
      await until(async () => (await committed(run, source))[0].offset === offset);
    }
  });
  equal("commit", `${(await read(run, sink, 1))[0].value}`);
}

await main({
  "produce-acks-0": produceAndConsume({ send: { acks: 0 } }),
  "produce-acks-1": produceAndConsume({ send: { acks: 1 } }),
  "produce-acks-all": produceAndConsume({ send: { acks: -1 } }),
  "produce-gzip": produceAndConsume({ send: { compression: CompressionTypes.GZIP } }),
  "produce-snappy": produceAndConsume({ send: { compression: CompressionTypes.Snappy } }),
  "produce-keys": keys,
  "produce-headers": headers,
  "produce-timestamps": timestamps,
  "produce-empty-and-null": emptyAndNull,
  "produce-1mb": oneMegabyte,
  "produce-idempotent": produceAndConsume({ producer: { idempotent: true, maxInFlightRequests: 1 } }),
  "consume-from-beginning": fromBeginning,
  "consume-from-offset": fromOffset,
  "consume-from-time": fromTime,
  "consume-pause": pause,
  "consume-seek": seek,
  "group-join": groupOfThree("stays"),
  "group-leave": groupOfThree("leaves"),
  "group-crash": groupOfThree("crashes"),
  "group-roundrobin": roundRobin,
  "group-commit": commit,
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
