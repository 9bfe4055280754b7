import { ExpressionError } from "./errors.ts";
import type { Run } from "./run.ts";
import { arrayOf, makeType, type Type } from "./types.ts";
import { equal, keyOf, NetObject, toText, type Value } from "./values.ts";

/** What can be gone through, perhaps more than once. */
export abstract class Sequence extends NetObject {
  abstract items(): Iterable<Value>;
}

/** What LINQ answers: gone through only when it is asked. */
export class Lazy extends Sequence {
  override readonly type: Type;
  /** What must not change while it is gone through; null where that is seen to elsewhere. */
  readonly source: Value;
  readonly #iterate: () => Iterable<Value>;

  constructor(element: Type, iterate: () => Iterable<Value>, source: Value = null) {
    super();
    this.type = makeType("IEnumerable", [element]);
    this.source = source;
    this.#iterate = iterate;
  }

  override items(): Iterable<Value> {
    return this.#iterate();
  }
}

/** What `OrderBy` answers: `ThenBy` adds to the comparison. */
export class Ordered extends Sequence {
  override readonly type: Type;
  readonly source: () => readonly Value[];
  readonly compare: (one: Value, other: Value) => number;

  constructor(element: Type, source: () => readonly Value[], compare: (one: Value, other: Value) => number) {
    super();
    this.type = makeType("IOrderedEnumerable", [element]);
    this.source = source;
    this.compare = compare;
  }

  override items(): Iterable<Value> {
    return this.source().toSorted(this.compare);
  }
}

abstract class Indexed extends Sequence {
  readonly values: Value[];
  readonly element: Type;

  constructor(element: Type, values: Value[]) {
    super();
    this.element = element;
    this.values = values;
  }

  override items(): readonly Value[] {
    return this.values;
  }
}

export class NetArray extends Indexed {
  override readonly type: Type;

  constructor(element: Type, values: Value[]) {
    super(element, values);
    this.type = arrayOf(element);
  }
}

export class NetList extends Indexed {
  override readonly type: Type;

  constructor(element: Type, values: Value[]) {
    super(element, values);
    this.type = makeType("List", [element]);
  }
}

export class Grouping extends Indexed {
  override readonly type: Type;
  readonly name: Value;

  constructor(key: Type, element: Type, name: Value, values: Value[]) {
    super(element, values);
    this.type = makeType("IGrouping", [key, element]);
    this.name = name;
  }
}

/** How keys of a dictionary or set are told apart: `StringComparer.OrdinalIgnoreCase` knows no case. */
export class Comparer extends NetObject {
  override readonly type: Type = makeType("StringComparer");
  readonly ignoreCase: boolean;

  constructor(ignoreCase: boolean) {
    super();
    this.ignoreCase = ignoreCase;
  }

  keyOf(value: Value): unknown {
    return keyOf(this.ignoreCase && typeof value === "string" ? value.toUpperCase() : value);
  }
}

const byValue = new Comparer(false);

export class KeyValue extends NetObject {
  override readonly type: Type;
  readonly name: Value;
  readonly value: Value;

  constructor(pair: Type, name: Value, value: Value) {
    super();
    this.type = pair;
    this.name = name;
    this.value = value;
  }

  override toText(): string {
    return `[${toText(this.name)}, ${toText(this.value)}]`;
  }
}

export class NetDictionary extends Sequence {
  override readonly type: Type;
  readonly pair: Type;
  readonly comparer: Comparer;
  readonly #entries = new Map<unknown, KeyValue>();

  constructor(key: Type, value: Type, comparer: Comparer = byValue) {
    super();
    this.type = makeType("Dictionary", [key, value]);
    this.pair = makeType("KeyValuePair", [key, value]);
    this.comparer = comparer;
  }

  get size(): number {
    return this.#entries.size;
  }

  find(name: Value): KeyValue | undefined {
    return this.#entries.get(this.#key(name));
  }

  set(name: Value, value: Value): void {
    const key = this.#key(name);
    this.#entries.set(key, new KeyValue(this.pair, this.#entries.get(key)?.name ?? name, value));
  }

  delete(name: Value): boolean {
    return this.#entries.delete(this.#key(name));
  }

  clear(): void {
    this.#entries.clear();
  }

  override items(): Iterable<KeyValue> {
    return this.#entries.values();
  }

  #key(name: Value): unknown {
    if (name === null) throw new ExpressionError("ArgumentNullException", "Value cannot be null. (Parameter 'key')");
    return this.comparer.keyOf(name);
  }
}

export class NetSet extends Sequence {
  override readonly type: Type;
  readonly element: Type;
  readonly comparer: Comparer;
  readonly #members = new Map<unknown, Value>();

  constructor(element: Type, comparer: Comparer = byValue) {
    super();
    this.type = makeType("HashSet", [element]);
    this.element = element;
    this.comparer = comparer;
  }

  get size(): number {
    return this.#members.size;
  }

  has(value: Value): boolean {
    return this.#members.has(this.comparer.keyOf(value));
  }

  /** False where it was there already. */
  add(value: Value): boolean {
    if (this.has(value)) return false;
    this.#members.set(this.comparer.keyOf(value), value);
    return true;
  }

  delete(value: Value): boolean {
    return this.#members.delete(this.comparer.keyOf(value));
  }

  clear(): void {
    this.#members.clear();
  }

  override items(): Iterable<Value> {
    return this.#members.values();
  }
}

/** A tuple or an anonymous object: its type holds the names, in the order of `values`. */
export class Composite extends NetObject {
  override readonly type: Type;
  readonly values: readonly Value[];

  constructor(composite: Type, values: readonly Value[]) {
    super();
    this.type = composite;
    this.values = values;
  }

  override toText(): string {
    if (this.type.name.startsWith("(")) return `(${this.values.map(toText).join(", ")})`;
    const names = this.type.name.slice(1, -1).split(",");
    return `{ ${this.values.map((value, index) => `${names[index]} = ${toText(value)}`).join(", ")} }`;
  }

  override equals(other: Value): boolean {
    return (
      other instanceof Composite &&
      other.type.text === this.type.text &&
      other.values.every((value, index) => equal(this.values[index] ?? null, value))
    );
  }

  override get key(): unknown {
    return `${this.type.text} ${JSON.stringify(this.values.map((value) => (value === null ? null : toText(value))))}`;
  }
}

/** A lambda, a local function or a method without its call. */
export class FunctionValue extends NetObject {
  override readonly type: Type;
  readonly #body: (args: readonly Value[], run: Run) => Value;

  constructor(signature: Type, body: (args: readonly Value[], run: Run) => Value) {
    super();
    this.type = signature;
    this.#body = body;
  }

  invoke(run: Run, ...args: readonly Value[]): Value {
    return run.call(() => this.#body(args, run));
  }
}

export class ExceptionValue extends NetObject {
  override readonly type: Type;
  readonly message: string;
  readonly inner: ExceptionValue | null;

  constructor(exception: string, message: string, inner: ExceptionValue | null = null) {
    super();
    this.type = makeType(exception);
    this.message = message;
    this.inner = inner;
  }

  override toText(): string {
    return `${super.toText()}: ${this.message}`;
  }
}

/** Text under construction. */
export class Builder extends NetObject {
  override readonly type: Type = makeType("StringBuilder");
  text = "";

  override toText(): string {
    return this.text;
  }
}

/** `new Random()`: draws from the instance's generator; with a seed from one of its own. */
export class RandomValue extends NetObject {
  override readonly type: Type = makeType("Random");
  readonly next: () => number;

  constructor(next: () => number) {
    super();
    this.next = next;
  }
}
