/**
 * What the peers took, as it was measured once: some of them need an hour. Kept in bench/peers.json for cases that are
 * the same on every machine, and told from what the run at hand measures by `isKept`.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const PEERS = 'bench/peers.json';

/**
 * The row of a peer that was measured on the very same files, from the case's last `result` or from what is kept;
 * undefined when there is none.
 */
export function findKept(result, { name, inputs }, tool) {
  for (const each of [result, readPeers()[name]]) {
    const row = each?.inputs === inputs ? each.rows.find((row) => row.tool === tool) : undefined;
    if (row?.patchBytes !== undefined) return { ...row, isKept: true };
  }
  return undefined;
}

/** Keeps the peers' rows of a case. */
export function keepPeers({ name, inputs, rows }) {
  const peers = readPeers();
  const ofPeers = rows.filter(
    ({ tool, patchBytes }) => !tool.startsWith('didiff') && patchBytes !== undefined,
  );
  if (ofPeers.length === 0) return;
  peers[name] = { inputs, rows: ofPeers.map(({ isKept, ...row }) => row) };
  writeFileSync(PEERS, `${JSON.stringify(peers, null, 2)}\n`);
}

function readPeers() {
  return existsSync(PEERS) ? JSON.parse(readFileSync(PEERS, 'utf8')) : {};
}
