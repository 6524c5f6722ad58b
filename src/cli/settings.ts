/** Where a setting comes from: a flag, else a variable PAWL_…, else pawl.config, else the default. */
import { access, readFile } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { defaults } from '../core/limits.ts';
import { checkPrefix } from '../core/names.ts';
import { UsageError } from './failures.ts';
import { importFile } from './modules.ts';

/** Flags that every command has. */
export interface GlobalFlags {
  readonly redis?: string;
  readonly prefix?: string;
  readonly runs?: string;
  readonly config?: string;
  readonly actor?: string;
  readonly connectMs?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly yes?: boolean;
  readonly interactive?: boolean;
  readonly color?: boolean;
}

const names = ['redis', 'prefix', 'runs', 'actor', 'connectMs'] as const;
type Name = (typeof names)[number];

const fallbacks: Readonly<Partial<Record<Name, string>>> = {
  redis: 'redis://127.0.0.1:6379',
  prefix: defaults.prefix,
  connectMs: '5000',
};

export interface Setting {
  readonly value: string | undefined;
  /** `flag`, the name of a variable, the file, or `default`. */
  readonly from: string;
}

export interface Settings extends Readonly<Record<Name, Setting>> {
  /** `encryption` of pawl.config, given to `Pawl.open` as it is. */
  readonly encryption: unknown;
  /** `blobs` of pawl.config, given to `Pawl.open` as it is. */
  readonly blobs: unknown;
}

const configNames = ['pawl.config.ts', 'pawl.config.mjs', 'pawl.config.js', 'pawl.config.json'];

export async function readSettings(flags: GlobalFlags): Promise<Settings> {
  const { file, content } = await readConfig(flags.config ?? process.env['PAWL_CONFIG']);
  const settings = Object.fromEntries(
    names.map((name) => [name, settingOf(name, { flags, file, content })]),
  ) as Record<Name, Setting>;
  const { value } = settings.prefix;
  if (value !== undefined) checkPrefix(value);
  checkRedis(settings.redis);
  return { ...settings, encryption: content['encryption'], blobs: content['blobs'] };
}

function settingOf(
  name: Name,
  { flags, file, content }: { flags: GlobalFlags; file: string; content: Record<string, unknown> },
): Setting {
  const variable = `PAWL_${name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
  const candidates: readonly Setting[] = [
    { value: flags[name], from: 'flag' },
    ...(name === 'redis' ? [{ value: process.env['PAWL_REDIS_URL'], from: 'PAWL_REDIS_URL' }] : []),
    { value: process.env[variable], from: variable },
    { value: asText(content[name]), from: file },
    ...(name === 'redis' ? [{ value: process.env['REDIS_URL'], from: 'REDIS_URL' }] : []),
  ];
  const given = candidates.find(({ value }) => value !== undefined && value !== '');
  return given ?? { value: fallbacks[name], from: 'default' };
}

/** What is no address would be taken for the path of a socket, or fail with a word about URLs. */
function checkRedis({ value = '', from }: Setting): void {
  const isUrl = /^rediss?(\+(sentinel|cluster))?:\/\//.test(value);
  const isReadable = isUrl && (value.includes('+') || URL.canParse(value));
  if (isReadable || isAbsolute(value)) return;
  const where = from === 'flag' ? '--redis' : `Redis of ${from}`;
  throw new UsageError(
    `${where} is not an address that pawl can read. Write it like redis://127.0.0.1:6379 or rediss://user:password@host:6380/0.`,
  );
}

function asText(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

async function readConfig(
  named: string | undefined,
): Promise<{ file: string; content: Record<string, unknown> }> {
  const file = named === undefined ? await findConfig() : resolve(named);
  if (file === undefined) return { file: 'pawl.config', content: {} };
  const content = file.endsWith('.json')
    ? parseJson(await readText(file), file)
    : (await importFile(file))['default'];
  if (typeof content !== 'object' || content === null) {
    throw new UsageError(`${file} must have an object as its default export.`);
  }
  const known: readonly string[] = [...names, 'encryption', 'blobs'];
  const unknown = Object.keys(content).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw new UsageError(
      `${file} has a setting "${unknown}" that pawl does not know. It knows ${known.join(', ')}.`,
    );
  }
  return { file, content: { ...content } };
}

async function findConfig(): Promise<string | undefined> {
  for (const name of configNames) {
    const file = join(process.cwd(), name);
    const isThere = await access(file).then(
      () => true,
      () => false,
    );
    if (isThere) return file;
  }
  return undefined;
}

export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${String(error)}`, { cause: error });
  }
}

export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${what} is not JSON: ${reason}`, { cause: error });
  }
}

/** A URL without its password. */
export function withoutSecret(url: string): string {
  return url.replace(/(\/\/[^:/@]*):[^@]*@/, '$1:***@');
}
