import { defineConfig } from "vitest/config";

/** The fault table takes longer than all else. What it alone notices: `FAULT_TABLE=1 npm run mutation -- --mutate src/change/write.ts`. */
const faultTable = process.env.FAULT_TABLE === undefined ? [] : ["test/change/fault-table.test.ts"];

/** The tests of the modules that `stryker.json` mutates. */
export default defineConfig({
  test: {
    include: [
      "test/policy/{edit,edit-properties,patch,select}.test.ts",
      "test/change/guards/*.test.ts",
      "test/change/{apply,compare,faults,plan,undo}.test.ts",
      "test/change/recovery/*.test.ts",
      ...faultTable,
    ],
    testTimeout: 20_000,
    expect: { requireAssertions: true },
  },
});
