// onnxruntime-node's install script asks global-agent for the proxy settings before it downloads CUDA libraries from outside the registry.
// Ending here leaves that out (see docs/decisions/0060-nothing-is-downloaded-at-install.md).
exports.bootstrap = () => process.exit(0);
