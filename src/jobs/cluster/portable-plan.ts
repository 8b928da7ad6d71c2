import { planSchema, type Plan } from '../../pipeline/plan-schema.ts';

/** Gives every path of a plan another: to carry it to machines where the store lies elsewhere. */
export interface PathMap {
  readonly source: (path: string) => string;
  readonly output: (path: string) => string;
  /** A model's file, known by its sha256. */
  readonly model: (path: string, sha256: string) => string;
}

export function mapPaths(plan: Plan, map: PathMap): Plan {
  const { source, decode, assemble, infer } = plan;
  const network = infer.chroma?.network;
  return {
    ...plan,
    source: { ...source, path: map.source(source.path) },
    decode: { ...decode, path: map.source(decode.path) },
    assemble: {
      ...assemble,
      path: map.output(assemble.path),
      source: { ...assemble.source, path: map.source(assemble.source.path) },
    },
    infer: {
      ...infer,
      passes: infer.passes.map((pass) =>
        pass.path === null || pass.sha256 === null
          ? pass
          : { ...pass, path: map.model(pass.path, pass.sha256) },
      ),
      chroma:
        infer.chroma === null || network === undefined
          ? null
          : { ...infer.chroma, network: { ...network, path: map.model(network.path, network.sha256) } },
    },
  };
}

/** The models of a plan: path and sha256 of each file, once. */
export function listModels({ infer }: Plan): { readonly path: string; readonly sha256: string }[] {
  const passes = infer.passes.flatMap(({ path, sha256 }) =>
    path === null || sha256 === null ? [] : [{ path, sha256 }],
  );
  const chroma = infer.chroma === null ? [] : [infer.chroma.network];
  const found = new Map([...passes, ...chroma].map(({ path, sha256 }) => [sha256, { path, sha256 }]));
  return [...found.values()];
}

/** Checks a plan that came from elsewhere. Throws a `ZodError`. */
export function parsePlan(text: string): Plan {
  return planSchema.parse(JSON.parse(text));
}
