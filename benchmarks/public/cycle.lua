-- Cycles through paths and visitors, and prints what wrk counted as JSON:
-- wrk -s cycle.lua URL -- FILE_OF_PATHS USER_AGENT FIRST_VISITOR

local paths, head, number = {}, "", 0

function init(arguments)
  for path in io.lines(arguments[1]) do
    paths[#paths + 1] = path
  end
  head = " HTTP/1.1\r\nHost: " .. wrk.headers["Host"] .. "\r\nUser-Agent: " .. arguments[2] .. "\r\nX-Forwarded-For: "
  number = tonumber(arguments[3])
end

-- Visitors are at 198.18.0.0/15, the addresses that are set aside for benchmarks (RFC 2544).
function request()
  number = number + 1
  local visitor = number % 131072
  local address = "198." .. 18 + math.floor(visitor / 65536) .. "." .. math.floor(visitor / 256) % 256 .. "." .. visitor % 256
  return "GET " .. paths[number % #paths + 1] .. head .. address .. "\r\n\r\n"
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "refused": %d, "broken": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
