/**
 * What two image configs say differently (OCI image spec v1.1, config.md). Settings are found by walking the JSON, so
 * that those this version has never heard of are compared too.
 */
import { MAX_CONFIG_BYTES, parseObject, type RawDocument } from '../../image/manifest.ts';
import type { ConfigChange, HistoryDiff, HistoryEntry } from './model.ts';

export interface ConfigDiff {
  readonly config: readonly ConfigChange[];
  readonly history: HistoryDiff;
}

/** Members that are compared as layers and history. */
const ELSEWHERE: ReadonlySet<string> = new Set(['rootfs', 'history']);
/** Members that say when and where an image was built, not what it is. */
const OF_THE_BUILD: ReadonlySet<string> = new Set([
  'created',
  'container',
  'container_config',
  'docker_version',
]);

/** `semantic` leaves out times, what tells of the build, and the order of what has none. Throws CORRUPT_INPUT. */
export function compareConfigs(base: RawDocument, target: RawDocument, semantic: boolean): ConfigDiff {
  const a = parseObject(base.bytes, "the base's config", MAX_CONFIG_BYTES);
  const b = parseObject(target.bytes, "the target's config", MAX_CONFIG_BYTES);
  const [olds, news] = [settingsOf(a, semantic), settingsOf(b, semantic)];
  const names = [...new Set([...olds.keys(), ...news.keys()])].sort();
  const config = names.flatMap((name): ConfigChange[] => {
    const [old, next] = [olds.get(name), news.get(name)];
    if (JSON.stringify(old) === JSON.stringify(next)) return [];
    return [
      { name, ...(old === undefined ? {} : { base: old }), ...(next === undefined ? {} : { target: next }) },
    ];
  });
  if (!semantic) config.push(...compareOrders(variablesOf(a), variablesOf(b)));
  return { config, history: compareHistories(historyOf(a), historyOf(b), semantic) };
}

/** The order of environment variables, of those that both have. */
function compareOrders(base: readonly string[], target: readonly string[]): readonly ConfigChange[] {
  const [inBase, inTarget] = [new Set(base), new Set(target)];
  const olds = base.filter((name) => inTarget.has(name));
  const news = target.filter((name) => inBase.has(name));
  return olds.join() === news.join() ? [] : [{ name: 'order of env', base: olds, target: news }];
}

function variablesOf({ config }: Record<string, unknown>): readonly string[] {
  const env = isObject(config) ? config['Env'] : undefined;
  return Array.isArray(env) ? env.map((setting) => splitVariable(setting)[0]) : [];
}

/** Names as people call them: `env PATH`, `label maintainer`, `entrypoint`, `architecture`. */
function settingsOf(config: Record<string, unknown>, semantic: boolean): Map<string, unknown> {
  const settings = new Map<string, unknown>();
  const put = (name: string, value: unknown) => {
    // Absent, null and empty are one to every engine.
    if (!isEmpty(value)) settings.set(name, sortMembers(value));
  };
  for (const [name, value] of Object.entries(config)) {
    if (ELSEWHERE.has(name) || (semantic && OF_THE_BUILD.has(name))) continue;
    if (name !== 'config' || !isObject(value)) put(name, value);
    else for (const [inner, setting] of Object.entries(value)) putSetting(inner, setting);
  }
  return settings;

  function putSetting(name: string, value: unknown): void {
    if (name === 'Env' && Array.isArray(value)) {
      for (const [variable, text] of value.map(splitVariable)) put(`env ${variable}`, text);
    } else if (name === 'Labels' && isObject(value)) {
      for (const [label, text] of Object.entries(value)) put(`label ${label}`, text);
    } else put(SETTINGS[name] ?? lowerFirst(name), value);
  }
}

const SETTINGS: Readonly<Record<string, string>> = {
  Cmd: 'cmd',
  WorkingDir: 'working directory',
  ExposedPorts: 'exposed ports',
  StopSignal: 'stop signal',
  OnBuild: 'on build',
};

function lowerFirst(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}

function splitVariable(setting: unknown): readonly [string, string] {
  const text = String(setting);
  const equals = text.indexOf('=');
  return equals < 0 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === false) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

/** Objects are compared whatever the order of their members. */
function sortMembers(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortMembers);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((name) => [name, sortMembers(value[name])]),
  );
}

function historyOf(config: Record<string, unknown>): readonly HistoryEntry[] {
  const { history } = config;
  if (!Array.isArray(history)) return [];
  return history.filter(isObject).map((step) => ({
    createdBy: textOf(step['created_by']) ?? '',
    ...optional('created', textOf(step['created'])),
    ...optional('comment', textOf(step['comment'])),
    emptyLayer: step['empty_layer'] === true,
  }));
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function optional<K extends string>(name: K, value: string | undefined): { readonly [name in K]?: string } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [name in K]: string });
}

/** What stands between the steps that both begin with and those that both end with. */
function compareHistories(
  base: readonly HistoryEntry[],
  target: readonly HistoryEntry[],
  semantic: boolean,
): HistoryDiff {
  const keyOf = ({ created, ...rest }: HistoryEntry) => JSON.stringify(semantic ? rest : [created, rest]);
  const [olds, news] = [base.map(keyOf), target.map(keyOf)];
  const most = Math.min(olds.length, news.length);
  let start = 0;
  while (start < most && olds[start] === news[start]) start++;
  let end = 0;
  while (end < most - start && olds[olds.length - 1 - end] === news[news.length - 1 - end]) end++;
  return {
    same: start + end,
    removed: base.slice(start, base.length - end),
    added: target.slice(start, target.length - end),
  };
}
