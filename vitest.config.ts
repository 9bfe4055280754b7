import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/e2e/bundle/**", "test/bench/**"],
    testTimeout: 20_000,
    // A test that expects nothing cannot fail, nor can one whose expectations stand in a loop over nothing.
    expect: { requireAssertions: true },
  },
});
