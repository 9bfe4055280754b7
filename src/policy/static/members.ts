import type { Call } from "./access.ts";
import { fitting, oneOf } from "./choices.ts";
import { contextIndexed, contextMember, contextMethod } from "./context-members.ts";
import { following, nothing, Thrown, text, truth } from "./data.ts";
import { dictionaryMethod, entriesOf, entryOf } from "./dictionaries.ts";
import { type Frame, GivenUp } from "./frame.ts";
import { jsonIndexed, jsonMember, jsonMethod } from "./json-members.ts";
import { itemsOf, membersOf } from "./json-text.ts";
import { lifted } from "./lifted.ts";
import { listMethod } from "./list-methods.ts";
import { isChar, isNull, isText, numberOf, numericOf, pieced, textOf } from "./numbers.ts";
import { equality, ignoresCase } from "./operators.ts";
import { textMethod } from "./text-methods.ts";
import { sliceOf } from "./text-pieces.ts";
import { unknownIndexed, unknownMember, unknownMethod } from "./unknown-members.ts";
import type { Known, Unknown } from "./values.ts";

/** A property of a value that is not null. */
export function memberOf(value: Known, name: string, source: string, frame: Frame): Known {
  if (value.kind === "unknown") return unknownMember(value, name, source);
  if (value.kind !== "several") return plainMember(value, name, source, frame);
  return lifted([value], source, ([target = value]) => plainMember(target, name, source, frame));
}

function plainMember(target: Known, name: string, source: string, frame: Frame): Known {
  if (isNull(target)) throw new Thrown(`the target of ${name} is null`);
  const items = target.kind === "list" ? target.items : itemsOf(target);
  if (items !== null && (name === "Count" || name === "Length")) return numberOf(items.length, "int");
  const entries = entriesOf(target);
  if (entries !== null) return dictionaryMember(entries, name, source);
  if (target.kind === "json" || membersOf(target) !== null || itemsOf(target) !== null) return jsonMember(target, name, source);
  if (target.kind === "present") return contextMember(target.what, name, source, frame);
  if (target.kind === "constant" && target.type === "token") return jsonMember(target, name, source);
  if (isText(target) && name === "Length") return numberOf(target.value.length, "int");
  // Of a `Nullable<T>`.
  if (target.kind === "constant" && name === "Value" && !isText(target)) return target;
  if (target.kind === "constant" && name === "HasValue" && !isText(target)) return truth(true);
  throw new GivenUp();
}

function dictionaryMember(entries: ReadonlyMap<string, Known>, name: string, source: string): Known {
  if (name === "Count") return numberOf(entries.size, "int");
  return following([...entries.values()], source);
}

/** `target[index]`. */
export function indexed(target: Known, index: Known, source: string, frame: Frame): Known {
  if (target.kind === "unknown") return unknownIndexed(target, index, source, frame);
  if (target.kind === "present") {
    const found = contextIndexed(target.what, index, source, frame);
    if (found !== null) return found;
  }
  if (index.kind === "unknown") return oneOfAll(target, index, source);
  return lifted([target, index], source, ([value = target, at = index]) => plainIndexed(value, at));
}

function plainIndexed(target: Known, index: Known): Known {
  if (isNull(target)) throw new Thrown("the target of an index is null");
  const entry = entryOf(target, index);
  if (entry !== undefined) {
    if (entry === null) throw new Thrown("the key is not in the dictionary");
    return entry;
  }
  const at = numericOf(index);
  if (target.kind === "list" && at !== null) return itemAt(target.items, at.number);
  if (isText(target) && at !== null) {
    if (target.type === "token") throw new GivenUp();
    if (at.number < 0 || at.number >= target.value.length) throw new Thrown("the index is behind the text's end");
    return { ...text(sliceOf(pieced(target), at.number, at.number + 1)), type: "char" };
  }
  return jsonIndexed(target, index);
}

function itemAt(items: readonly Known[], at: number): Known {
  const item = items[at];
  if (item === undefined) throw new Thrown(`there is no item ${at}`);
  return item;
}

/** What an index that is not known may find: an entry whose name fits to what is known of it. */
function oneOfAll(target: Known, index: Unknown, source: string): Known {
  const members = membersOf(target) ?? entriesOf(target);
  if (members === null) return following([target, index], source);
  const throwsWhereMissing = entriesOf(target) !== null;
  const found = fitting(members, index, throwsWhereMissing ? (key) => key.slice(2) : (key) => key);
  const values = throwsWhereMissing ? found : [...found, nothing];
  return oneOf(values, index, source);
}

/** A method of a value that is not null. */
export function methodOf(value: Known, call: Call): Known {
  if (call.name === "Equals" && value.kind !== "present" && value.kind !== "list" && value.kind !== "json") return equals(value, call);
  if (value.kind === "unknown") return unknownMethod(value, call);
  if (value.kind === "present") {
    const found = contextMethod(value.what, call);
    if (found !== null) return found;
  }
  return lifted([value], call.source, ([target = value]) => plainMethod(target, call));
}

function equals(value: Known, call: Call): Known {
  const [other, comparison] = call.arguments;
  if (other === undefined) throw new GivenUp();
  if (value.kind === "constant" && value.type === "token") throw new GivenUp();
  return equality(value, other, ignoresCase(comparison), call.source, call.frame);
}

function plainMethod(target: Known, call: Call): Known {
  if (isNull(target)) throw new Thrown(`the target of ${call.name} is null`);
  if (entriesOf(target) !== null) return dictionaryMethod(target, call);
  if (target.kind === "list") return listMethod(target.items, call);
  const items = itemsOf(target);
  if (items !== null || membersOf(target) !== null) return jsonMethod(target, call) ?? listMethod(items ?? [], call);
  if (target.kind === "constant" && target.type === "token") return jsonMethod(target, call) ?? notFound();
  if (call.name === "ToString" && call.arguments.length === 0) return textOf(target);
  if (isText(target)) return textMethod(target, call);
  if (target.kind === "present") return following(call.arguments, call.source);
  if (isChar(target)) return textOf(target);
  throw new GivenUp();
}

function notFound(): never {
  throw new GivenUp();
}
