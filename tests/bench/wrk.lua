-- What wrk asks of a gateway or a peer, and one line of JSON about it.
--   wrk -s wrk.lua URL -- get FILE     users in turn; the file has an id a line
--   wrk -s wrk.lua URL -- post SEED    orders in turn, each under a UUID of version 7 of its own

local ffi = require("ffi")
ffi.cdef("struct moment { long seconds; long microseconds; }; int gettimeofday(struct moment *, void *);")

local asked, count, seed = {}, 0, 0
local now = ffi.new("struct moment")

local function order(n)
  local items = string.format('{"sku":"product-%02d","quantity":1}', n % 50)
  if n % 2 == 1 then
    items = items .. string.format(',{"sku":"product-%02d","quantity":2}', (n + 7) % 50)
  end
  return string.format(
    '{"customer":"customer-%03d","items":[%s],"currency":"EUR","card":"tok_0123456789abcdef"}', n, items)
end

local function get()
  count = count % #asked + 1
  return asked[count]
end

local function post()
  count = count + 1
  ffi.C.gettimeofday(now, nil)
  local milliseconds = tonumber(now.seconds) * 1000 + math.floor(tonumber(now.microseconds) / 1000)
  local key = string.format(
    "%08x-%04x-7%03x-8%03x-%012x", math.floor(milliseconds / 65536), milliseconds % 65536,
    math.floor(seed / 4096), seed % 4096, count)
  return wrk.format("POST", "/api/orders", {
    ["Content-Type"] = "application/json", ["Idempotency-Key"] = key}, asked[count % #asked + 1])
end

function init(arguments)
  if arguments[1] == "get" then
    for id in io.lines(arguments[2]) do
      asked[#asked + 1] = wrk.format("GET", "/api/users/" .. id)
    end
    request = get
  else
    seed = tonumber(arguments[2])
    for n = 0, 999 do
      asked[#asked + 1] = order(n)
    end
    request = post
  end
end

function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    '{"answers": %d, "rate_per_s": %.1f, "p50_us": %.1f, "p99_us": %.1f, "failures": %d, "first_failure": '
    .. '"%d not connected, %d not read, %d not written, %d late, %d with a status of 400 or above"}',
    summary.requests, summary.requests / summary.duration * 1e6, latency:percentile(50),
    latency:percentile(99), errors.connect + errors.read + errors.write + errors.timeout + errors.status,
    errors.connect, errors.read, errors.write, errors.timeout, errors.status))
end
