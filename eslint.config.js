import importX from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/** What each room may import besides itself. `core` is open to all. */
const ROOMS = {
  core: [],
  ffmpeg: ['core'],
  kernels: ['core'],
  decode: ['core', 'ffmpeg', 'kernels'],
  infer: ['core', 'ffmpeg', 'kernels'],
  temporal: ['core', 'ffmpeg', 'kernels'],
  encode: ['core', 'ffmpeg', 'kernels'],
  config: ['core', 'decode', 'infer', 'temporal', 'encode'],
  pipeline: ['core', 'ffmpeg', 'kernels', 'decode', 'infer', 'temporal', 'encode', 'config'],
  hook: [
    ...['core', 'ffmpeg', 'kernels', 'decode', 'infer', 'temporal', 'encode'],
    ...['config', 'pipeline', 'measure'],
  ],
  measure: ['core', 'ffmpeg', 'kernels', 'decode', 'infer', 'temporal', 'encode', 'config', 'pipeline'],
  jobs: [
    ...['core', 'ffmpeg', 'kernels', 'decode', 'infer', 'temporal', 'encode', 'config', 'pipeline'],
    // Each file of a batch is verified.
    'measure',
  ],
  preview: ['core', 'ffmpeg', 'kernels', 'decode', 'infer', 'temporal', 'encode', 'config', 'pipeline'],
};
const NAMES = Object.keys(ROOMS);

/** Libraries that one file alone may import. */
const ADAPTERS = {
  'onnxruntime-node': 'src/infer/onnxruntime.ts',
  'fluent-ffmpeg': 'src/ffmpeg/command.ts',
  piscina: 'src/pipeline/lane-pool.ts',
  bullmq: 'src/jobs/cluster/queue.ts',
  '@aws-sdk/client-s3': 'src/jobs/cluster/s3-bucket.ts',
  '@aws-sdk/lib-storage': 'src/jobs/cluster/s3-bucket.ts',
  'prom-client': 'src/jobs/cluster/metrics.ts',
};

function restrict(room, allowed) {
  const denied = [...NAMES.filter((name) => name !== room && !allowed.includes(name)), 'cli', 'index.ts'];
  return {
    files: [`src/${room}/**/*.ts`],
    rules: {
      'import-x/no-restricted-paths': [
        'error',
        {
          zones: denied
            .filter((name) => name !== room)
            .map((name) => ({
              target: `./src/${room}`,
              from: `./src/${name}`,
              message: `${room} must not import ${name}: imports point down.`,
            })),
        },
      ],
    },
  };
}

export default tseslint.config(
  {
    ignores: [
      'dist',
      'build',
      'node_modules',
      'src/kernels/assembly',
      'scripts/no-download',
      'coverage',
      'demo',
    ],
  },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        project: ['./test/tsconfig.json', './web/tsconfig.json'],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    plugins: { 'import-x': importX },
    settings: {
      'import-x/resolver-next': [importX.createNodeResolver({ extensions: ['.ts', '.js'] })],
    },
    rules: {
      'import-x/no-cycle': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: Object.keys(ADAPTERS).map((name) => ({
            name,
            message: `Only ${ADAPTERS[name]} imports it.`,
          })),
        },
      ],
    },
  },
  ...Object.values(ADAPTERS).map((file) => ({
    files: [file],
    rules: {
      'no-restricted-imports': [
        'error',
        { paths: Object.keys(ADAPTERS).filter((other) => ADAPTERS[other] !== file) },
      ],
    },
  })),
  ...Object.entries(ROOMS).map(([room, allowed]) => restrict(room, allowed)),
  {
    files: ['**/*.js'],
    ...tseslint.configs.disableTypeChecked,
  },
);
