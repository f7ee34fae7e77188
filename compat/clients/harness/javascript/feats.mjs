// What every JavaScript client's program shares: feats by name, a deadline for each, one JSON line for each on
// standard output. Arguments: the broker's host:port, a prefix for names, the feats separated by commas.

const TIMEOUT_MS = 45_000;
const AT_ONCE = 3;

/** Runs what was asked for, a few at once, and ends the process whatever is still connected. */
export async function main(feats) {
  const [bootstrap, prefix, asked] = process.argv.slice(2);
  const waiting = asked.split(",").filter((name) => name in feats);
  const slot = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      await report(name, feats[name], { bootstrap, name: (part) => `${prefix}-${name}-${part}` });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, slot));
  process.exit(0);
}

async function report(name, feat, run) {
  const began = performance.now();
  let detail = "";
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${TIMEOUT_MS / 1000} s`)), TIMEOUT_MS);
  });
  try {
    await Promise.race([feat(run), late]);
  } catch (error) {
    const place = /([\w-]+\.mjs:\d+)/.exec((error.stack ?? "").replaceAll(/feats\.mjs:\d+/g, ""));
    const causes = (error.errors ?? [error.cause]).filter(Boolean).map((each) => each.message).join("; ");
    detail = `${error.name}: ${error.message} ${causes} (${place?.[1] ?? ""})`;
  }
  clearTimeout(timer);
  const seconds = Math.round(performance.now() - began) / 1000;
  process.stdout.write(`${JSON.stringify({ feat: name, ok: detail === "", detail, seconds })}\n`);
}

export function check(holds, otherwise) {
  if (!holds) throw new Error(otherwise);
}

const shown = (value) => JSON.stringify(value, (_, each) => (typeof each === "bigint" ? `${each}` : each));

/** Compares what JSON would show of the two. */
export function equal(expected, found) {
  check(shown(expected) === shown(found), `expected ${shown(expected)}, found ${shown(found)}`.slice(0, 400));
}

/** Waits until something that others bring about; the feat's deadline bounds it. */
export async function until(holds) {
  while (!(await holds())) await new Promise((resume) => setTimeout(resume, 20));
}

/** The action must be refused with an error for which `matches` holds. */
export async function refused(action, matches) {
  try {
    await action();
  } catch (error) {
    check(matches(error), `refused otherwise: ${error.message}`);
    return;
  }
  throw new Error("it must be refused");
}
