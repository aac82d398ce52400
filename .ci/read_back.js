// Reads the Parquet files that a Delta log names, as a reader without Spark does, and checks what it finds.
"use strict";
const fs = require("fs");
const path = require("path");
const { DuckDBInstance } = require("@duckdb/node-api");

/** Files that the table's log has added and not removed. */
function filesOf(table) {
  const log = path.join(table, "_delta_log");
  if (!fs.existsSync(log)) {
    return fs.readdirSync(table).filter((n) => n.endsWith(".parquet")).map((n) => path.join(table, n));
  }
  const live = new Set();
  for (const commit of fs.readdirSync(log).filter((n) => /^\d{20}\.json$/.test(n)).sort()) {
    for (const line of fs.readFileSync(path.join(log, commit), "utf8").split("\n").filter(Boolean)) {
      const action = JSON.parse(line);
      if (action.add) live.add(decodeURIComponent(action.add.path));
      if (action.remove) live.delete(decodeURIComponent(action.remove.path));
    }
  }
  return [...live].map((name) => path.join(table, name));
}

function relation(table) {
  return `read_parquet([${filesOf(table).map((f) => `'${f.replace(/'/g, "''")}'`).join(", ")}])`;
}

function check(ok, what) {
  if (!ok) throw new Error(what);
}

async function main() {
  const root = process.argv[2];
  const db = await (await DuckDBInstance.create(":memory:")).connect();
  const rows = async (sql) => (await db.runAndReadAll(sql)).getRowObjectsJson();
  const runs = fs.readdirSync(root).filter((n) => fs.existsSync(path.join(root, n, "traces")));
  check(runs.length > 0, `${root} holds no run`);
  for (const run of runs) {
    const traces = relation(path.join(root, run, "traces"));
    const [sums] = await rows(
      `SELECT count(*) AS rows, count(DISTINCT (row_key, sample_index)) AS keys,
              count(*) FILTER (status = 'error') AS failed, sum(generated_tokens) AS tokens,
              sum(compressions) AS compressions, sum(len(compression_events)) AS events,
              count(*) FILTER (len(trace) > 0) AS texts, min(kv_policy.name) AS policy
       FROM ${traces}`);
    const [told] = await rows(
      `SELECT rows, failed_rows, generated_tokens, compressions, outcome, settings['slots'] AS slots
       FROM ${relation(path.join(root, run, "runs"))}`);
    check(Number(sums.rows) > 0 && sums.rows === sums.keys, `${run}: keys are not unique`);
    check(Number(sums.rows) === Number(told.rows), `${run}: ${sums.rows} rows, ${told.rows} told`);
    check(Number(sums.failed) === Number(told.failed_rows), `${run}: failed rows differ`);
    check(Number(sums.tokens) === Number(told.generated_tokens), `${run}: tokens differ`);
    check(Number(sums.compressions) === Number(sums.events), `${run}: events differ`);
    check(Number(sums.texts) === Number(sums.rows) - Number(sums.failed), `${run}: empty traces`);
    check(told.outcome === "completed", `${run}: outcome ${told.outcome}`);
    console.log(`read back by DuckDB: ${run} (${sums.policy}), ${sums.rows} rows, ${sums.tokens} tokens`);
  }
}

main().catch((error) => {
  console.error(`read_back: ${error.message}`);
  process.exit(1);
});
