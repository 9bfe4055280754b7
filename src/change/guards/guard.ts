import type { GuardName, Protected } from "./names.ts";
import type { Judged, States } from "./states.ts";

/** What each guard looks at. */
export interface Subject extends Judged {
  /** Null where the service was not read: the change reaches nothing beyond its own documents. */
  readonly states: States | null;
  readonly protect: readonly Protected[];
}

export interface Guard {
  readonly name: GuardName;
  readonly passed: string;
  /** What speaks against the change; null where the change has nothing that this guard judges. */
  readonly objections: (subject: Subject) => readonly string[] | null;
  /** What to know besides, whatever the verdict. */
  readonly remarks?: (subject: Subject) => readonly string[];
}

/** What speaks against any of the subjects; null where there are none. */
export function judgeEach<T>(subjects: readonly T[] | undefined, judgeOne: (subject: T) => readonly string[]): readonly string[] | null {
  return subjects === undefined || subjects.length === 0 ? null : subjects.flatMap(judgeOne);
}
