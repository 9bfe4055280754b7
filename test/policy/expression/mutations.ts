/** One way of breaking an expression that was right; answers each result of it once. */
export interface Mutation {
  readonly name: string;
  /** The share of the broken expressions that must be found, in per cent. */
  readonly bound: number;
  mutate(code: string): readonly string[];
}

const token =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|(?:\$@|@\$)"(?:[^"]|"")*"|@"(?:[^"]|"")*"|\$?"(?:[^"\\\r\n]|\\.)*"|'(?:[^'\\\r\n]|\\.)+'|@?[A-Za-z_]\w*|\d[\w.]*|=>|==|!=|<=|>=|&&|\|\||\?\?|\?\.|[^\s\w]/g;

interface Token {
  readonly text: string;
  readonly at: number;
}

/** The tokens between the expression's own brackets. */
function tokensOf(code: string): readonly Token[] {
  const inner = [...code.matchAll(token)].map(({ 0: text, index }) => ({ text, at: index })).filter(({ text }) => !/^\/[/*]/.test(text));
  return inner.filter(({ at }) => at >= 2 && at < code.length - 1);
}

/** Replaces each token for which `change` gives another text. */
function replacing(change: (token: Token, index: number, all: readonly Token[]) => string | null) {
  return (code: string): readonly string[] =>
    tokensOf(code).flatMap((each, index, all) => {
      const text = change(each, index, all);
      return text === null ? [] : [code.slice(0, each.at) + text + code.slice(each.at + each.text.length)];
    });
}

const dropping = (wanted: RegExp) => replacing(({ text }) => (wanted.test(text) ? "" : null));
const isString = (text: string): boolean => /^[@$]*"/.test(text);
const isName = (text: string): boolean => /^[A-Za-z_]\w*$/.test(text);

const keywords = new Set(
  "as bool break case catch char continue default do double else false finally for foreach if in int is long new null object out return string switch throw true try typeof using var void when while".split(
    " ",
  ),
);

/** A name with two of its letters in the wrong order, or without its last where they are the same. */
function misspelt(name: string): string {
  const at = Math.max(0, Math.floor(name.length / 2) - 1);
  const swapped = name.slice(0, at) + (name[at + 1] ?? "") + (name[at] ?? "") + name.slice(at + 2);
  return swapped === name ? name.slice(0, -1) : swapped;
}

/** Whether a token is `context` or one of the first members behind it. */
function isContextMember(index: number, all: readonly Token[]): boolean {
  let at = index;
  for (let steps = 0; steps < 3 && all[at]?.text !== "context"; steps++) {
    if (!/^\??\.$/.test(all[at - 1]?.text ?? "") || !isName(all[at - 2]?.text ?? "")) return false;
    at -= 2;
  }
  return all[at]?.text === "context" && all[at - 1]?.text !== ".";
}

const operators = new Set(["==", "!=", "<=", ">=", "&&", "||", "??", "+", "-", "*", "/", "%"]);

function dropLastReturn(code: string): readonly string[] {
  const all = tokensOf(code);
  const last = all.findLastIndex(({ text }) => text === "return");
  const from = all[last];
  const to = all.slice(last).find(({ text }) => text === ";");
  if (code[1] !== "{" || from === undefined || to === undefined) return [];
  // What stands in braces alone may be one way of several, but behind the last statement nothing returns any more.
  return [code.slice(0, from.at) + code.slice(to.at + 1)];
}

export const mutations: readonly Mutation[] = [
  { name: "dropped bracket", bound: 99, mutate: dropping(/^[()[\]{}]$/) },
  { name: "dropped quote", bound: 99, mutate: replacing(({ text }) => (/^[@$]*"[^"]*"$/.test(text) ? text.slice(0, -1) : null)) },
  { name: "dropped semicolon", bound: 97, mutate: dropping(/^;$/) },
  { name: "dropped comma", bound: 90, mutate: dropping(/^,$/) },
  { name: "dropped return", bound: 98, mutate: dropLastReturn },
  {
    name: "misspelt context member",
    bound: 99,
    mutate: replacing(({ text }, index, all) => (isName(text) && isContextMember(index, all) ? misspelt(text) : null)),
  },
  {
    name: "banned type",
    bound: 99,
    mutate: replacing(({ text }, index, all) =>
      isString(text) && !isString(all[index + 1]?.text ?? "") ? 'System.IO.File.ReadAllText("x")' : null,
    ),
  },
  {
    name: "undeclared variable",
    bound: 90,
    mutate: replacing(({ text }, index, all) => {
      const isOperand = /^(?:==|!=|&&|\|\||\+|\(|,|=|return|\?\?)$/.test(all[index - 1]?.text ?? "");
      const isUse = isName(text) && !keywords.has(text) && /^(?:[.,;)=+]|==|!=|\?\.|&&|\|\||\?\?)$/.test(all[index + 1]?.text ?? ")");
      return isOperand && isUse && /^[a-z]/.test(text) ? "unknownThing" : null;
    }),
  },
  {
    name: "doubled operator",
    bound: 75,
    mutate: replacing(({ text }) => (operators.has(text) ? `${text} ${text}` : null)),
  },
  {
    name: "dangling dot",
    bound: 80,
    mutate: replacing(({ text }, index, all) =>
      isName(text) && !keywords.has(text) && /^(?:[.,;)]|==|!=|&&)$/.test(all[index + 1]?.text ?? "") ? `${text}.` : null,
    ),
  },
];

/** How many broken expressions there were, and those that `isFound` said no to. */
export interface MutationResult {
  readonly mutation: Mutation;
  readonly made: number;
  readonly missed: readonly string[];
}

/** Breaks all expressions in all ways, each `step`th of the results. */
export function tryMutations(codes: readonly string[], isFound: (code: string) => boolean, step = 1): readonly MutationResult[] {
  return mutations.map((mutation) => {
    const broken = [...new Set(codes.flatMap(mutation.mutate))].filter((_, index) => index % step === 0);
    return { mutation, made: broken.length, missed: broken.filter((code) => !isFound(code)) };
  });
}

export function percentFound({ made, missed }: MutationResult): number {
  return made === 0 ? 100 : (100 * (made - missed.length)) / made;
}
