/** Options as yargs hands them over: text or flags, read and checked by `config`. */
export type RawArguments = Readonly<Record<string, unknown>> & { readonly _: readonly (string | number)[] };
