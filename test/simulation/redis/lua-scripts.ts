/** Runs scripts as Redis does: KEYS and ARGV in, `redis.call` out, and a reply made of what they return. */
import {
  formatNumber,
  fromBytes,
  lauxlib,
  lua,
  type LuaState,
  lualib,
  toBytes,
} from './fengari.ts';
import { packedList, packedText } from '../../support/packed.ts';
import { ReplyError, type SimReply } from './values.ts';

/** Carries out one command for a script. */
export type Perform = (name: string, args: readonly string[]) => SimReply;

const names = {
  keys: toBytes('KEYS'),
  argv: toBytes('ARGV'),
  redis: toBytes('redis'),
  call: toBytes('call'),
  pcall: toBytes('pcall'),
  err: toBytes('err'),
  cjson: toBytes('cjson'),
  encode: toBytes('encode'),
  unpack: toBytes('unpack'),
  pack: toBytes('pack'),
  struct: toBytes('struct'),
  cmsgpack: toBytes('cmsgpack'),
  table: toBytes('table'),
  math: toBytes('math'),
  max: toBytes('max'),
  min: toBytes('min'),
};

export class LuaScripts {
  readonly #state: LuaState;
  readonly #perform: Perform;
  readonly #rewrite: (source: string) => string;
  /** Compiled, by text. */
  readonly #chunks = new Map<string, number>();

  /** `rewrite` changes the text of scripts before they are compiled: that is how bugs are planted. */
  constructor(perform: Perform, rewrite: (source: string) => string = (source) => source) {
    this.#perform = perform;
    this.#rewrite = rewrite;
    this.#state = lauxlib.luaL_newstate();
    lualib.luaL_openlibs(this.#state);
    this.#define();
  }

  run(source: string, keys: readonly string[], argv: readonly string[]): SimReply {
    const state = this.#state;
    lua.lua_rawgeti(state, lua.LUA_REGISTRYINDEX, this.#chunk(source));
    this.#setList(names.keys, keys);
    this.#setList(names.argv, argv);
    if (lua.lua_pcall(state, 0, 1, 0) !== lua.LUA_OK) {
      const message = fromBytes(lua.lua_tolstring(state, -1));
      lua.lua_settop(state, 0);
      throw new ReplyError(message);
    }
    const reply = this.#toReply(-1);
    lua.lua_settop(state, 0);
    return reply;
  }

  #chunk(source: string): number {
    const known = this.#chunks.get(source);
    if (known !== undefined) return known;
    const state = this.#state;
    // The first line is for Redis, which reads the flags there, and no Lua.
    const text = this.#rewrite(source).replace(/^#!lua/, '--');
    const code = Uint8Array.from(Buffer.from(text));
    if (lauxlib.luaL_loadbuffer(state, code, null, toBytes('@script')) !== lua.LUA_OK) {
      throw new ReplyError(fromBytes(lua.lua_tolstring(state, -1)));
    }
    const chunk = lauxlib.luaL_ref(state, lua.LUA_REGISTRYINDEX);
    this.#chunks.set(source, chunk);
    return chunk;
  }

  /** What Redis adds to Lua, as far as the scripts use it, and what 5.1 has and 5.3 has not. */
  #define(): void {
    const state = this.#state;
    lua.lua_createtable(state, 0, 2);
    lua.lua_pushcfunction(state, (inner) => this.#call(inner));
    lua.lua_setfield(state, -2, names.call);
    lua.lua_pushcfunction(state, (inner) => this.#protectedCall(inner));
    lua.lua_setfield(state, -2, names.pcall);
    lua.lua_setglobal(state, names.redis);
    lua.lua_createtable(state, 0, 1);
    lua.lua_pushcfunction(state, encodeText);
    lua.lua_setfield(state, -2, names.encode);
    lua.lua_setglobal(state, names.cjson);
    lua.lua_createtable(state, 0, 2);
    lua.lua_pushcfunction(state, unpackStruct);
    lua.lua_setfield(state, -2, names.unpack);
    lua.lua_pushcfunction(state, packStruct);
    lua.lua_setfield(state, -2, names.pack);
    lua.lua_setglobal(state, names.struct);
    lua.lua_createtable(state, 0, 1);
    lua.lua_pushcfunction(state, packMessage);
    lua.lua_setfield(state, -2, names.pack);
    lua.lua_setglobal(state, names.cmsgpack);
    lua.lua_getglobal(state, names.table);
    lua.lua_getfield(state, -1, names.unpack);
    lua.lua_setglobal(state, names.unpack);
    lua.lua_getglobal(state, names.math);
    lua.lua_pushcfunction(state, (inner) => greatest(inner, Math.max));
    lua.lua_setfield(state, -2, names.max);
    lua.lua_pushcfunction(state, (inner) => greatest(inner, Math.min));
    lua.lua_setfield(state, -2, names.min);
    lua.lua_pop(state, 2);
  }

  #setList(name: Uint8Array, list: readonly string[]): void {
    const state = this.#state;
    lua.lua_createtable(state, list.length, 0);
    for (let i = 0; i < list.length; i++) {
      lua.lua_pushstring(state, toBytes(list[i] ?? ''));
      lua.lua_rawseti(state, -2, i + 1);
    }
    lua.lua_setglobal(state, name);
  }

  #call(state: LuaState): number {
    try {
      push(state, this.#performFrom(state));
    } catch (error) {
      lua.lua_pushstring(state, toBytes(error instanceof Error ? error.message : String(error)));
      return lua.lua_error(state);
    }
    return 1;
  }

  /** As `call`, but an error is a table with the field `err`. */
  #protectedCall(state: LuaState): number {
    try {
      push(state, this.#performFrom(state));
    } catch (error) {
      lua.lua_createtable(state, 0, 1);
      lua.lua_pushstring(state, toBytes(error instanceof Error ? error.message : String(error)));
      lua.lua_setfield(state, -2, names.err);
    }
    return 1;
  }

  #performFrom(state: LuaState): SimReply {
    const args: string[] = [];
    const count = lua.lua_gettop(state);
    for (let i = 1; i <= count; i++) args.push(toArgument(state, i));
    const [name = '', ...rest] = args;
    return this.#perform(name, rest);
  }

  #toReply(index: number): SimReply {
    const state = this.#state;
    switch (lua.lua_type(state, index)) {
      case lua.LUA_TSTRING:
        return fromBytes(lua.lua_tolstring(state, index));
      case lua.LUA_TNUMBER:
        return Math.trunc(lua.lua_tonumber(state, index));
      case lua.LUA_TBOOLEAN:
        return lua.lua_toboolean(state, index) ? 1 : null;
      case lua.LUA_TTABLE:
        return this.#toList();
      default:
        return null;
    }
  }

  /** The table on top, up to its first hole. */
  #toList(): SimReply {
    const state = this.#state;
    const list: SimReply[] = [];
    for (let i = 1; ; i++) {
      const isEnd = lua.lua_rawgeti(state, -1, i) === lua.LUA_TNIL;
      if (!isEnd) list.push(this.#toReply(-1));
      lua.lua_pop(state, 1);
      if (isEnd) return list;
    }
  }
}

function toArgument(state: LuaState, index: number): string {
  switch (lua.lua_type(state, index)) {
    case lua.LUA_TSTRING:
      return fromBytes(lua.lua_tolstring(state, index));
    case lua.LUA_TNUMBER: {
      const value = lua.lua_tonumber(state, index);
      // Redis prints more digits of an argument than `tostring` does; no script hands over a fraction.
      return Number.isSafeInteger(value) ? String(value) : formatNumber(value);
    }
    default:
      throw new ReplyError('ERR Lua redis lib command arguments must be strings or integers');
  }
}

function push(state: LuaState, reply: SimReply): void {
  if (reply === null) {
    lua.lua_pushboolean(state, false);
  } else if (typeof reply === 'string') {
    lua.lua_pushstring(state, toBytes(reply));
  } else if (typeof reply === 'number') {
    lua.lua_pushnumber(state, reply);
  } else {
    lua.lua_createtable(state, reply.length, 0);
    for (let i = 0; i < reply.length; i++) {
      push(state, reply[i] ?? null);
      lua.lua_rawseti(state, -2, i + 1);
    }
  }
}

/** `math.max` and `math.min` of 5.1: of numbers, and of strings that are numbers. */
function greatest(state: LuaState, choose: (...values: number[]) => number): number {
  const values = Array.from({ length: lua.lua_gettop(state) }, (_, i) =>
    lua.lua_tonumber(state, i + 1),
  );
  lua.lua_pushnumber(state, choose(...values));
  return 1;
}

/** `struct.unpack` of numbers of 4 bytes, and of texts that stand behind their length. */
function unpackStruct(state: LuaState): number {
  const format = fromBytes(lua.lua_tolstring(state, 1));
  if (!/^>(I4|I4c0)$/.test(format)) throw new ReplyError(`ERR no format ${format} here`);
  const packed = Buffer.from(lua.lua_tolstring(state, 2));
  const place = lua.lua_gettop(state) < 3 ? 0 : lua.lua_tonumber(state, 3) - 1;
  const short = toBytes('data string too short');
  const fail = (): number => {
    lua.lua_pushstring(state, short);
    return lua.lua_error(state);
  };
  if (place + 4 > packed.length) return fail();
  const number = packed.readUInt32BE(place);
  const end = place + 4 + (format === '>I4c0' ? number : 0);
  if (end > packed.length) return fail();
  if (format === '>I4') lua.lua_pushnumber(state, number);
  else lua.lua_pushstring(state, Uint8Array.from(packed.subarray(place + 4, end)));
  lua.lua_pushnumber(state, end + 1);
  return 2;
}

/** `struct.pack` of the same. */
function packStruct(state: LuaState): number {
  const format = fromBytes(lua.lua_tolstring(state, 1));
  if (!/^>(I4|c0)+$/.test(format)) throw new ReplyError(`ERR no format ${format} here`);
  const parts = [...format.matchAll(/I4|c0/g)].map(([kind], i) => {
    if (kind === 'c0') return Buffer.from(lua.lua_tolstring(state, i + 2));
    const number = Buffer.alloc(4);
    number.writeUInt32BE(lua.lua_tonumber(state, i + 2));
    return number;
  });
  lua.lua_pushstring(state, Uint8Array.from(Buffer.concat(parts)));
  return 1;
}

/** `cmsgpack.pack` of texts, and of lists of them. */
function packMessage(state: LuaState): number {
  lua.lua_pushstring(state, Uint8Array.from(packItem(state)));
  return 1;
}

/** Of what is on top of the stack, which stays there. */
function packItem(state: LuaState): Buffer {
  if (lua.lua_type(state, -1) === lua.LUA_TSTRING) {
    return packedText(Buffer.from(lua.lua_tolstring(state, -1)));
  }
  if (lua.lua_type(state, -1) !== lua.LUA_TTABLE) {
    throw new ReplyError('ERR only texts and lists are packed here');
  }
  const items: Buffer[] = [];
  for (let i = 1; lua.lua_rawgeti(state, -1, i) !== lua.LUA_TNIL; i++) {
    items.push(packItem(state));
    lua.lua_pop(state, 1);
  }
  lua.lua_pop(state, 1);
  return packedList(items);
}

/** `cjson.encode` of a text, which is all that the scripts encode. */
function encodeText(state: LuaState): number {
  if (lua.lua_type(state, 1) !== lua.LUA_TSTRING)
    throw new ReplyError('ERR only texts are encoded here');
  const text = fromBytes(lua.lua_tolstring(state, 1));
  // Unlike JSON.stringify, cjson escapes slashes and leaves bytes above ASCII as they are.
  lua.lua_pushstring(
    state,
    toBytes(JSON.stringify(text).replaceAll('/', '\\/').replaceAll('\x7f', '\\u007f')),
  );
  return 1;
}
