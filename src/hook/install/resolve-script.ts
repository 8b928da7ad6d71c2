/**
 * The script that DaVinci Resolve runs at the end of a render (Deliver > Video > Advanced > Trigger script at end). It only starts Upreel,
 * detached, so that Resolve is free at once.
 *
 * @param command - program and first arguments that run Upreel
 */
export function renderResolveScript(command: readonly string[]): string {
  const list = command.map((word) => `  ${quoteLua(word)},`).join('\n');
  return `-- Upreel: upscales what was rendered, beside it. Made by "upreel hook install resolve"; "upreel hook uninstall resolve" removes it.
-- Choose it on the Deliver page: Video > Advanced Settings > Trigger script at > End of render job. Resolve finds new scripts when it starts.
--
-- Tried: under Lua 5.3, against a stand-in that has the calls which Resolve documents (GetProjectManager, GetCurrentProject,
-- GetRenderJobList, GetRenderJobStatus and the globals job, status and error), on Linux.
-- Not tried: in DaVinci Resolve itself, and on macOS and Windows.

local command = {
${list}
  "hook",
  "run",
}

local windows = package.config:sub(1, 1) == "\\\\"

local function quote(word)
  if windows then return '"' .. word .. '"' end
  return "'" .. word:gsub("'", "'\\\\''") .. "'"
end

local function findFile(project, id)
  for _, entry in pairs(project:GetRenderJobList() or {}) do
    if entry.JobId == id and entry.OutputFilename and entry.OutputFilename ~= "" then
      local folder = entry.TargetDir or ""
      local last = folder:sub(-1)
      if folder ~= "" and last ~= "/" and last ~= "\\\\" then folder = folder .. package.config:sub(1, 1) end
      return folder .. entry.OutputFilename
    end
  end
  return nil
end

local function failed(project, id)
  if type(error) == "string" and error ~= "" then return true end
  local state = project:GetRenderJobStatus(id) or {}
  -- The words are translated; how much is done is not.
  return state.CompletionPercentage ~= nil and state.CompletionPercentage < 100
end

local project = resolve and resolve:GetProjectManager():GetCurrentProject()
if not project or not job then
  print("Upreel: Resolve told no render job; upscale by hand: upreel hook run FILE")
elseif failed(project, job) then
  print("Upreel: the render did not end well; nothing is upscaled")
else
  local file = findFile(project, job)
  if not file then
    print("Upreel: the render job names no file; upscale by hand: upreel hook run FILE")
  else
    local words = {}
    for _, word in ipairs(command) do words[#words + 1] = quote(word) end
    words[#words + 1] = quote(file)
    local line = table.concat(words, " ") .. " > " .. quote(file .. ".upreel.log") .. " 2>&1"
    if windows then
      os.execute('start "Upreel" /b cmd /c "' .. line .. '"')
    else
      os.execute("nohup " .. line .. " < /dev/null &")
    end
    print("Upreel: upscaling " .. file .. "; messages go to " .. file .. ".upreel.log")
  end
end
`;
}

function quoteLua(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}
