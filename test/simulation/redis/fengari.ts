/**
 * fengari, a Lua 5.3 in JavaScript, made to count as the Lua 5.1 of Redis does.
 *
 * In 5.1 every number is a double and prints by `%.14g`. In fengari a number without a fraction is an integer of 32 bits,
 * which wraps around, and a double without a fraction prints with `.0` behind it. Two functions decide this for literals,
 * for strings that become numbers and for numbers that become strings; both are replaced here, and `math.max`, which in
 * 5.1 takes strings for numbers. What is left of integers
 * (lengths, `math.floor` of something small) is far from 2^31, prints alike, and turns into a double as soon as it meets a
 * literal. `/` divides doubles in both. The rest of what the scripts use means the same, which is not taken on trust: the
 * differential test runs them here and on a real server.
 */
import { createRequire } from 'node:module';

/** A Lua value on the stack. */
interface LuaValue {
  readonly value: unknown;
  setfltvalue(value: number): void;
  setivalue(value: number): void;
  setsvalue(value: unknown): void;
}

/** The interpreter; opaque. */
export interface LuaState {
  readonly luaState: never;
}

interface LuaApi {
  readonly LUA_OK: number;
  readonly LUA_REGISTRYINDEX: number;
  readonly LUA_TNIL: number;
  readonly LUA_TBOOLEAN: number;
  readonly LUA_TNUMBER: number;
  readonly LUA_TSTRING: number;
  readonly LUA_TTABLE: number;
  lua_type(state: LuaState, index: number): number;
  lua_gettop(state: LuaState): number;
  lua_settop(state: LuaState, index: number): void;
  lua_pop(state: LuaState, count: number): void;
  lua_createtable(state: LuaState, items: number, fields: number): void;
  lua_rawseti(state: LuaState, index: number, item: number): void;
  lua_rawgeti(state: LuaState, index: number, item: number): number;
  lua_pushnumber(state: LuaState, value: number): void;
  lua_pushboolean(state: LuaState, value: boolean): void;
  lua_pushstring(state: LuaState, value: Uint8Array): void;
  lua_pushcfunction(state: LuaState, call: (state: LuaState) => number): void;
  lua_setglobal(state: LuaState, name: Uint8Array): void;
  lua_getglobal(state: LuaState, name: Uint8Array): number;
  lua_setfield(state: LuaState, index: number, name: Uint8Array): void;
  lua_getfield(state: LuaState, index: number, name: Uint8Array): number;
  lua_tonumber(state: LuaState, index: number): number;
  lua_toboolean(state: LuaState, index: number): boolean;
  lua_tolstring(state: LuaState, index: number): Uint8Array;
  lua_pcall(state: LuaState, args: number, results: number, handler: number): number;
  lua_error(state: LuaState): number;
}

interface LuaAuxiliary {
  luaL_newstate(): LuaState;
  luaL_loadbuffer(state: LuaState, code: Uint8Array, size: null, name: Uint8Array): number;
  luaL_ref(state: LuaState, table: number): number;
}

interface LuaObjects {
  luaO_str2num: (text: Uint8Array, target: LuaValue) => number;
  luaO_tostring: (state: LuaState, target: LuaValue) => void;
}

const require = createRequire(import.meta.url);
// Read once, when it is loaded: doubles without a fraction print as in 5.1.
process.env['FENGARICONF'] = JSON.stringify({ LUA_COMPAT_FLOATSTRING: true });
const fengari = require('fengari') as {
  readonly lua: LuaApi;
  readonly lauxlib: LuaAuxiliary;
  readonly lualib: { luaL_openlibs(state: LuaState): void };
};
delete process.env['FENGARICONF'];
const objects = require('fengari/src/lobject.js') as LuaObjects;
const strings = require('fengari/src/lstring.js') as {
  luaS_bless(state: LuaState, text: Uint8Array): unknown;
};

const { luaO_str2num: strToNum } = objects;
objects.luaO_str2num = (text, target) => {
  const used = strToNum(text, target);
  if (used !== 0) target.setfltvalue(target.value as number);
  return used;
};
objects.luaO_tostring = (state, target) => {
  target.setsvalue(strings.luaS_bless(state, toBytes(formatNumber(target.value as number))));
};

export const { lua, lauxlib, lualib } = fengari;

/** As C's `%.14g`. */
export function formatNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e14) return String(value);
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value < 0 ? '-inf' : 'inf';
  const [digits = '', power = '0'] = value.toExponential(13).split('e');
  const exponent = Number(power);
  if (exponent >= -4 && exponent < 14) return withoutZeros(value.toFixed(13 - exponent));
  const sign = exponent < 0 ? '-' : '+';
  return `${withoutZeros(digits)}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

function withoutZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** One byte per character. */
export function toBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

export function fromBytes(bytes: Uint8Array): string {
  const { length } = bytes;
  if (length > 64) return Buffer.from(bytes.buffer, bytes.byteOffset, length).toString('latin1');
  let text = '';
  for (let i = 0; i < length; i++) text += String.fromCharCode(bytes[i] ?? 0);
  return text;
}
