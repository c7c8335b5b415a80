// A Redis server in memory, under controlled time. It runs the Lua scripts it is given in a real Lua machine.
//
// Expiry is the server's: a key is gone when the time is past its end, not at it; PTTL of a key at its very end is 0.

import { createHash } from 'node:crypto';

import fengari from 'fengari';

const { lua, lauxlib, lualib, to_luastring: bytes, to_jsstring: text } = fengari;

export class Redis {
  #clock;
  #keys = new Map();
  #scripts = new Map();

  constructor(clock) {
    this.#clock = clock;
  }

  /** Forgets keys and scripts, as a server without persistence does when it starts again. */
  restart() {
    this.#keys.clear();
    this.#scripts.clear();
  }

  /** Carries out a command. */
  call(words) {
    const [name, ...given] = words.map(String);
    switch (name.toUpperCase()) {
      case 'SCRIPT': {
        const digest = createHash('sha1').update(given[1]).digest('hex');
        this.#scripts.set(digest, given[1]);
        return digest;
      }
      case 'EVALSHA': {
        const script = this.#scripts.get(given[0]);
        if (script === undefined) throw new Error('NOSCRIPT No matching script. Please use EVAL.');
        const keys = given.slice(2, 2 + Number(given[1]));
        return this.#run(script, keys, given.slice(2 + keys.length));
      }
      case 'GET':
        return this.#find(given[0])?.value ?? null;
      case 'SET':
        if (given[2]?.toUpperCase() !== 'PX') throw new Error('only SET with PX is known');
        this.#keys.set(given[0], { value: given[1], end: this.#clock.now + Number(given[3]) });
        return 'OK';
      case 'INCR':
        return this.#add(given[0], 1);
      case 'DECR':
        return this.#add(given[0], -1);
      case 'DEL':
        return this.#keys.delete(given[0]) ? 1 : 0;
      case 'PTTL': {
        const found = this.#find(given[0]);
        if (!found) return -2;
        return found.end === undefined ? -1 : found.end - this.#clock.now;
      }
      case 'PEXPIRE': {
        const found = this.#find(given[0]);
        if (found) found.end = this.#clock.now + Number(given[1]);
        return found ? 1 : 0;
      }
      default:
        throw new Error(`ERR unknown command '${name}'`);
    }
  }

  #find(key) {
    const found = this.#keys.get(key);
    if (found?.end !== undefined && this.#clock.now > found.end) {
      this.#keys.delete(key);
      return undefined;
    }
    return found;
  }

  #add(key, step) {
    const found = this.#find(key) ?? { value: '0' };
    found.value = String(Number(found.value) + step);
    this.#keys.set(key, found);
    return Number(found.value);
  }

  /** Runs a script with KEYS, ARGV and redis.call; the reply follows Redis's rules for what it is given back. */
  #run(script, keys, given) {
    const state = lauxlib.luaL_newstate();
    lualib.luaL_openlibs(state);
    for (const [name, list] of [['KEYS', keys], ['ARGV', given]]) {
      lua.lua_newtable(state);
      for (const [place, word] of list.entries()) {
        lua.lua_pushstring(state, bytes(word));
        lua.lua_rawseti(state, -2, place + 1);
      }
      lua.lua_setglobal(state, bytes(name));
    }
    lua.lua_newtable(state);
    lua.lua_pushcfunction(state, (inner) => {
      const words = [];
      for (let place = 1; place <= lua.lua_gettop(inner); place += 1) words.push(text(lauxlib.luaL_tolstring(inner, place)) ?? '') && lua.lua_pop(inner, 1);
      const reply = this.call(words);
      if (typeof reply === 'number') lua.lua_pushinteger(inner, reply);
      else if (reply === null) lua.lua_pushboolean(inner, false);
      else lua.lua_pushstring(inner, bytes(reply));
      return 1;
    });
    lua.lua_setfield(state, -2, bytes('call'));
    lua.lua_setglobal(state, bytes('redis'));
    if (lauxlib.luaL_dostring(state, bytes(script)) !== lua.LUA_OK) {
      throw new Error(`ERR ${text(lua.lua_tostring(state, -1))}`);
    }
    return reply(state, -1);
  }
}

/** A value of Lua as a reply: numbers are cut to whole ones, a table is a list up to its first hole, false is null. */
function reply(state, place) {
  switch (lua.lua_type(state, place)) {
    case lua.LUA_TNUMBER:
      return Math.trunc(lua.lua_tonumber(state, place));
    case lua.LUA_TSTRING:
      return text(lua.lua_tostring(state, place));
    case lua.LUA_TTABLE: {
      const list = [];
      for (let one = 1; ; one += 1) {
        lua.lua_rawgeti(state, place, one);
        const isEnd = lua.lua_isnil(state, -1);
        if (!isEnd) list.push(reply(state, lua.lua_gettop(state)));
        lua.lua_pop(state, 1);
        if (isEnd) return list;
      }
    }
    case lua.LUA_TBOOLEAN:
      return lua.lua_toboolean(state, place) ? 1 : null;
    default:
      return null;
  }
}
