// The reference for tests/fuzz/differential: runs modules and tells what their functions gave.
//
// Each line of input is {"file": FILE.wasm, "calls": [[NAME, [ARGUMENT...]]...]}; it is answered by a line with one entry
// a call: the results as unsigned decimals, or the message of the trap. Arguments are decimals, i64 with an "n" behind.
import {readFileSync} from 'node:fs';
import {createInterface} from 'node:readline';

const argument = (text) => (text.endsWith('n') ? BigInt.asIntN(64, BigInt(text.slice(0, -1))) : Number(text) | 0);
const decimal = (value) => (typeof value === 'bigint' ? BigInt.asUintN(64, value).toString() : (value >>> 0).toString());

function call(instance, name, words) {
  try {
    const value = instance.exports[name](...words.map(argument));
    return value === undefined ? [] : Array.isArray(value) ? value.map(decimal) : [decimal(value)];
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError || error instanceof RangeError) {
      return error.message;
    }
    throw error;
  }
}

for await (const line of createInterface({input: process.stdin})) {
  const {file, calls} = JSON.parse(line);
  let answer;
  try {
    const instance = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(file)));
    answer = calls.map(([name, words]) => call(instance, name, words));
  } catch (error) {
    answer = {error: String(error)};
  }
  console.log(JSON.stringify(answer));
}
