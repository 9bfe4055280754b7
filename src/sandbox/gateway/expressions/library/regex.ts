import { Lazy, NetArray, NetList } from "../collections.ts";
import { type Definition, define } from "../definitions.ts";
import { outOfRange } from "../json.ts";
import { int } from "../numbers.ts";
import { assemble, type Captures, firstMatch, type Regex } from "../regex/match.ts";
import { parseRegex } from "../regex/parse.ts";
import type { Run } from "../run.ts";
import { type Type, type, types } from "../types.ts";
import { NetObject, toText, type Value } from "../values.ts";
import { enumeration, functionOf, on, text } from "./read.ts";

class RegexValue extends NetObject {
  override readonly type: Type = type("Regex");
  readonly source: string;
  readonly regex: Regex;

  constructor(source: string, regex: Regex) {
    super();
    this.source = source;
    this.regex = regex;
  }

  override toText(): string {
    return this.source;
  }
}

class GroupValue extends NetObject {
  override readonly type: Type = type("Group");
  readonly name: string;
  readonly value: string;
  readonly index: number;
  readonly success: boolean;

  constructor(name: string, input: string, place: Captures[number]) {
    super();
    this.name = name;
    this.success = place !== null;
    this.index = place?.[0] ?? 0;
    this.value = place === null ? "" : input.slice(...place);
  }

  override toText(): string {
    return this.value;
  }
}

class MatchValue extends NetObject {
  override readonly type: Type = type("Match");
  readonly input: string;
  readonly regex: Regex;
  /** Null where nothing matched. */
  readonly captures: Captures | null;

  constructor(input: string, regex: Regex, captures: Captures | null) {
    super();
    this.input = input;
    this.regex = regex;
    this.captures = captures;
  }

  get whole(): GroupValue {
    return new GroupValue("0", this.input, this.captures?.[0] ?? null);
  }

  group(slot: number): GroupValue {
    return new GroupValue(this.regex.names[slot] ?? String(slot), this.input, this.captures?.[slot] ?? null);
  }

  override toText(): string {
    return this.whole.value;
  }
}

class GroupsValue extends NetObject {
  override readonly type: Type = type("GroupCollection");
  readonly match: MatchValue;

  constructor(match: MatchValue) {
    super();
    this.match = match;
  }
}

const mostKept = 200;
const kept = new Map<string, Regex>();

/** Read once; patterns are mostly literals, and the same ones are asked for again. */
function regexOf(source: string, options: number): Regex {
  const key = `${options} ${source}`;
  const known = kept.get(key);
  if (known !== undefined) return known;
  const flags = {
    ignoreCase: (options & 1) !== 0,
    multiline: (options & 2) !== 0,
    explicitCapture: (options & 4) !== 0,
    singleline: (options & 16) !== 0,
    ignoreWhitespace: (options & 32) !== 0,
  };
  const made = assemble(parseRegex(source, flags));
  if (kept.size >= mostKept) kept.clear();
  kept.set(key, made);
  return made;
}

function matchFrom(regex: Regex, input: string, from: number, run: Run): MatchValue {
  return new MatchValue(input, regex, firstMatch(regex, input, from, run));
}

/** Behind an empty match the next one begins a character further. */
function nextMatch({ regex, input, captures }: MatchValue, run: Run): MatchValue {
  const whole = captures?.[0];
  if (whole === undefined || whole === null) return new MatchValue(input, regex, null);
  const from = whole[1] === whole[0] ? whole[1] + 1 : whole[1];
  return from > input.length ? new MatchValue(input, regex, null) : matchFrom(regex, input, from, run);
}

function allMatches(regex: Regex, input: string, run: Run): readonly MatchValue[] {
  const found: MatchValue[] = [];
  for (let match = matchFrom(regex, input, 0, run); match.captures !== null; match = nextMatch(match, run)) {
    run.step();
    found.push(match);
  }
  return found;
}

/** https://learn.microsoft.com/dotnet/standard/base-types/substitutions-in-regular-expressions */
function substituted(match: MatchValue, replacement: string): string {
  const { index, value } = match.whole;
  return replacement.replaceAll(/\$(?:(\d+)|\{(\w+)\}|([$&`'_+]))/g, (written, number?: string, name?: string, special?: string) => {
    if (special !== undefined) {
      const specials: Readonly<Record<string, string>> = {
        $: "$",
        "&": value,
        "`": match.input.slice(0, index),
        "'": match.input.slice(index + value.length),
        _: match.input,
        "+": match.group(match.regex.names.length - 1).value,
      };
      return specials[special] ?? written;
    }
    const slot = match.regex.names.indexOf(number ?? name ?? "");
    return slot === -1 ? written : match.group(slot).value;
  });
}

function replaced(regex: Regex, input: string, by: Value | undefined, most: number, run: Run): string {
  const parts: string[] = [];
  let from = 0;
  for (const match of allMatches(regex, input, run).slice(0, most)) {
    const { index, value } = match.whole;
    const made = typeof by === "string" ? substituted(match, by) : toText(functionOf(by, "evaluator").invoke(run, match));
    parts.push(input.slice(from, index), run.text(made));
    from = index + value.length;
  }
  return run.text(parts.join("") + input.slice(from));
}

/** What groups capture stands between the parts. */
function split(regex: Regex, input: string, run: Run): NetArray {
  const parts: string[] = [];
  let from = 0;
  for (const match of allMatches(regex, input, run)) {
    const { index, value } = match.whole;
    parts.push(input.slice(from, index));
    for (let slot = 1; slot < regex.names.length; slot++) if (match.group(slot).success) parts.push(match.group(slot).value);
    from = index + value.length;
  }
  return new NetArray(types.string, [...parts, input.slice(from)]);
}

interface Asked {
  readonly regex: Regex;
  readonly input: string;
  readonly rest: readonly Value[];
}

/** `Regex.X(input, pattern, ...)`: an option may be the last argument. */
function asked(args: readonly Value[]): Asked {
  const [input, pattern, ...rest] = args;
  const last = rest.at(-1);
  const options = last instanceof NetObject && last.type.name === "RegexOptions" ? last : undefined;
  return { regex: regexOf(text(pattern, "pattern"), enumeration(options)), input: text(input, "input"), rest };
}

function matchList(matches: readonly MatchValue[]): NetList {
  return new NetList(type("Match"), [...matches]);
}

const regexes = define("Regex", {
  "new(string pattern) | new(string pattern, RegexOptions options)": ([pattern, options]) =>
    new RegexValue(text(pattern, "pattern"), regexOf(text(pattern, "pattern"), enumeration(options))),
  "static IsMatch(string input, string pattern): bool | static IsMatch(string input, string pattern, RegexOptions options): bool": (
    args,
    run,
  ) => {
    const { regex, input } = asked(args);
    return matchFrom(regex, input, 0, run).captures !== null;
  },
  "static Match(string input, string pattern): Match | static Match(string input, string pattern, RegexOptions options): Match": (
    args,
    run,
  ) => {
    const { regex, input } = asked(args);
    return matchFrom(regex, input, 0, run);
  },
  "static Matches(string input, string pattern): IReadOnlyList<Match> | static Matches(string input, string pattern, RegexOptions options): IReadOnlyList<Match>":
    (args, run) => {
      const { regex, input } = asked(args);
      return matchList(allMatches(regex, input, run));
    },
  "static Replace(string input, string pattern, string replacement): string | static Replace(string input, string pattern, string replacement, RegexOptions options): string | static Replace(string input, string pattern, Func<Match, string> evaluator): string | static Replace(string input, string pattern, Func<Match, string> evaluator, RegexOptions options): string":
    (args, run) => {
      const { regex, input, rest } = asked(args);
      return replaced(regex, input, rest[0], Number.POSITIVE_INFINITY, run);
    },
  "static Split(string input, string pattern): string[] | static Split(string input, string pattern, RegexOptions options): string[]": (
    args,
    run,
  ) => {
    const { regex, input } = asked(args);
    return split(regex, input, run);
  },
  "static Escape(string value): string": ([value], run) =>
    run.text(
      text(value, "str").replaceAll(/[\\*+?|{[()^$.# ]|[\t\n\f\r]/g, (character) => {
        const control = { "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r" }[character];
        return control ?? `\\${character}`;
      }),
    ),
  "IsMatch(string input): bool": on(
    RegexValue,
    (self, [, input], run) => matchFrom(self.regex, text(input, "input"), 0, run).captures !== null,
  ),
  "Match(string input): Match": on(RegexValue, (self, [, input], run) => matchFrom(self.regex, text(input, "input"), 0, run)),
  "Matches(string input): IReadOnlyList<Match>": on(RegexValue, (self, [, input], run) =>
    matchList(allMatches(self.regex, text(input, "input"), run)),
  ),
  "Replace(string input, string replacement): string | Replace(string input, Func<Match, string> evaluator): string | Replace(string input, string replacement, int count): string":
    on(RegexValue, (self, [, input, by, count], run) =>
      replaced(self.regex, text(input, "input"), by, count === undefined ? Number.POSITIVE_INFINITY : int(count), run),
    ),
  "Split(string input): string[]": on(RegexValue, (self, [, input], run) => split(self.regex, text(input, "input"), run)),
  "ToString(): string": on(RegexValue, (self) => self.source),
});

const groupMembers = {
  "Value: string": ([self]: readonly Value[]) => groupOf(self).value,
  "Index: int": ([self]: readonly Value[]) => groupOf(self).index,
  "Length: int": ([self]: readonly Value[]) => groupOf(self).value.length,
  "Success: bool": ([self]: readonly Value[]) => groupOf(self).success,
  "Name: string": ([self]: readonly Value[]) => groupOf(self).name,
  "ToString(): string": ([self]: readonly Value[]) => groupOf(self).value,
};

function groupOf(value: Value | undefined): GroupValue {
  if (value instanceof MatchValue) return value.whole;
  return value instanceof GroupValue ? value : new GroupValue("", "", null);
}

const groups = define("Group", groupMembers);

const matches = define(
  "Match",
  {
    "Groups: GroupCollection": on(MatchValue, (self) => new GroupsValue(self)),
    "NextMatch(): Match": on(MatchValue, (self, _, run) => nextMatch(self, run)),
    "Result(string replacement): string": on(MatchValue, (self, [, replacement], run) =>
      run.text(substituted(self, text(replacement, "replacement"))),
    ),
  },
  { bases: ["Group"] },
);

const collections = define("GroupCollection", {
  "Count: int": on(GroupsValue, ({ match }) => (match.captures === null ? 1 : match.regex.names.length)),
  "this[int index]: Group": on(GroupsValue, ({ match }, [, index]) => {
    if (int(index ?? 0) < 0) throw outOfRange();
    return match.group(int(index ?? 0));
  }),
  "this[string name]: Group": on(GroupsValue, ({ match }, [, name]) => match.group(match.regex.names.indexOf(text(name, "groupname")))),
  "Values: IEnumerable<Group>": on(
    GroupsValue,
    ({ match }) => new Lazy(type("Group"), () => match.regex.names.map((_, slot) => match.group(slot))),
  ),
});

export const regexDefinitions: readonly Definition[] = [regexes, groups, matches, collections];
