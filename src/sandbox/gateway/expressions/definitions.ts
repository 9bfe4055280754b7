import type { Run } from "./run.ts";
import { type Bindings, substitute, type Type, type, types } from "./types.ts";
import { type EnumValue, NetObject, type Value } from "./values.ts";

/** Runs a member: `args[0]` is the object of an instance member; `types` holds what the type's and the method's parameters stand for. */
export type Implementation = (args: readonly Value[], run: Run, types: Bindings) => Value;

export interface Parameter {
  readonly name: string;
  readonly type: Type;
  readonly optional: boolean;
  /** Takes any number of arguments, as C#'s `params`. */
  readonly rest: boolean;
  /** C#'s `out`: the implementation answers `Outs`. */
  readonly out: boolean;
}

export interface Member {
  readonly kind: "method" | "value" | "setter";
  readonly name: string;
  readonly isStatic: boolean;
  /** An extension method: it sees null, where other members are not asked. */
  readonly isExtension: boolean;
  readonly generics: readonly string[];
  readonly parameters: readonly Parameter[];
  readonly returns: Type;
  readonly invoke: Implementation;
}

/** A type with its members, all that expressions can reach of it. */
export interface Definition {
  readonly name: string;
  readonly generics: readonly string[];
  readonly bases: readonly Type[];
  /** A struct: never null, and boxed as an object. */
  readonly isValue: boolean;
  readonly members: ReadonlyMap<string, readonly Member[]>;
  /** What a struct is before anything is assigned. */
  readonly zero: Value;
  /** Of an enumeration. */
  readonly values: readonly EnumValue[];
}

interface DefinitionOptions {
  readonly bases?: readonly string[];
  /** Makes it a struct. */
  readonly zero?: Value;
  readonly values?: readonly EnumValue[];
  /** All members are extension methods. */
  readonly areExtensions?: boolean;
}

/**
 * A type's members by their signatures, as C# would write them: `Length: int`, `Substring(int start, int? count): string`,
 * `static Join(string separator, params string[] parts): string`, `this[int index]: char`, `new(int capacity)`, `set Value(JToken value)`,
 * `Select<R>(Func<T, R> selector): IEnumerable<R>`. `[...]` around a parameter makes it optional; several signatures of one implementation
 * are parted by ` | `. They are read when the type is first used.
 */
export function define(name: string, members: Readonly<Record<string, Implementation>>, options: DefinitionOptions = {}): Definition {
  const { name: plain, args } = type(name);
  let read: ReadonlyMap<string, readonly Member[]> | undefined;
  return {
    name: plain,
    generics: args.map((arg) => arg.name),
    bases: (options.bases ?? []).map(type),
    isValue: options.zero !== undefined,
    zero: options.zero ?? null,
    values: options.values ?? [],
    get members() {
      read ??= readMembers(members, options.areExtensions ?? false);
      return read;
    },
  };
}

/** What a method with `out` parameters answers. */
export class Outs extends NetObject {
  override readonly type: Type = types.unknown;
  readonly result: Value;
  readonly outs: readonly Value[];

  constructor(result: Value, ...outs: readonly Value[]) {
    super();
    this.result = result;
    this.outs = outs;
  }
}

/** A member with the types of the object that it was found at put in. */
export interface Found {
  readonly member: Member;
  readonly bindings: Bindings;
}

export class Library {
  readonly #definitions: ReadonlyMap<string, Definition>;

  constructor(definitions: readonly Definition[]) {
    this.#definitions = new Map(definitions.map((definition) => [definition.name, definition]));
  }

  get(name: string): Definition | undefined {
    return this.#definitions.get(name);
  }

  isValue(candidate: Type): boolean {
    return candidate.name === "Nullable" || /^\(/.test(candidate.name) || (this.get(candidate.name)?.isValue ?? false);
  }

  /** The type itself and all that it derives from, the nearest first. */
  lineage(start: Type): readonly Type[] {
    const found: Type[] = [start];
    for (const each of found) {
      const definition = this.get(each.name);
      if (definition === undefined) continue;
      const bindings = bindingsOf(definition, each);
      for (const base of definition.bases) {
        const closed = substitute(base, bindings);
        if (!found.some(({ text }) => text === closed.text)) found.push(closed);
      }
    }
    return start.name === "object" ? found : [...found, types.object];
  }

  derives(from: Type, to: Type): boolean {
    return from.text === to.text || this.lineage(from).some(({ text }) => text === to.text);
  }

  /** All members of a name, those of the nearest type first. */
  find(owner: Type, name: string, isStatic: boolean): readonly (readonly Found[])[] {
    return (isStatic ? [owner] : this.lineage(owner)).flatMap((each) => {
      const definition = this.get(each.name);
      const members = definition?.members.get(name)?.filter((member) => member.isStatic === isStatic) ?? [];
      if (definition === undefined || members.length === 0) return [];
      const bindings = bindingsOf(definition, each);
      return [members.map((member) => ({ member, bindings }))];
    });
  }
}

function bindingsOf({ generics }: Definition, { args }: Type): Bindings {
  return new Map(generics.map((generic, index) => [generic, args[index] ?? types.unknown]));
}

function readMembers(members: Readonly<Record<string, Implementation>>, isExtension: boolean): ReadonlyMap<string, readonly Member[]> {
  const found = new Map<string, Member[]>();
  for (const [signatures, invoke] of Object.entries(members))
    for (const signature of signatures.split(" | ")) {
      const member = { ...readSignature(signature, invoke), isExtension };
      found.set(member.name, [...(found.get(member.name) ?? []), member]);
    }
  return found;
}

const shape = /^(static )?(set )?(this|\w+)(?:<([\w, ]+)>)?(?:\((.*?)\)|(?<=this)\[(.*?)\])?(?:: (.+))?$/;

function readSignature(signature: string, invoke: Implementation): Member {
  const match = shape.exec(signature);
  if (match === null) throw new Error(`no signature: ${signature}`);
  const [, isStatic, setter, name = "", generics, called, indexed, returns] = match;
  const parameters = called ?? indexed;
  const isMethod = parameters !== undefined;
  return {
    kind: setter !== undefined ? "setter" : isMethod ? "method" : "value",
    name: setter !== undefined ? `set ${name}` : name,
    isStatic: isStatic !== undefined || name === "new",
    isExtension: false,
    generics: generics?.split(", ") ?? [],
    parameters: parts(parameters ?? "").map(readParameter),
    returns: type(returns ?? "void"),
    invoke,
  };
}

/** Parted by the commas outside of `<>`. */
function parts(text: string): readonly string[] {
  const found: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at <= text.length; at++) {
    if (text[at] === "<") depth++;
    else if (text[at] === ">") depth--;
    else if ((text[at] === "," && depth === 0) || at === text.length) {
      found.push(text.slice(from, at).trim());
      from = at + 1;
    }
  }
  return found.filter((part) => part !== "");
}

function readParameter(text: string): Parameter {
  const [, optional, modifier, written = "", name = ""] = /^(\[)?(params |out )?(.+) (\w+)\]?$/.exec(text) ?? [];
  return { name, type: type(written), optional: optional !== undefined, rest: modifier === "params ", out: modifier === "out " };
}
