/** One behaviour of the sandbox, and how it is known. */
export interface Fidelity {
  readonly behaviour: string;
  /**
   * `documented` by Microsoft; `sample`: in a Microsoft sample or said by its maintainer; `measured` by a third party on a live
   * service; `assumed`: nobody says, and the safe reading was taken.
   */
  readonly evidence: "documented" | "sample" | "measured" | "assumed";
  /** Where it stands: an address, or who measured it; of an assumption the reason. */
  readonly source: string;
  /** The test that holds it: `path of the file: name of the test`. */
  readonly test: string;
}

type FidelityRow = readonly [behaviour: string, evidence: Fidelity["evidence"], source: string, test: string];

/** Rows whose tests stand in one file: `file` without `.test.ts`, below `test/sandbox/`. */
export const fidelityRows = (file: string, facts: readonly FidelityRow[]): readonly Fidelity[] =>
  facts.map(([behaviour, evidence, source, test]) => ({ behaviour, evidence, source, test: `test/sandbox/${file}.test.ts: ${test}` }));
