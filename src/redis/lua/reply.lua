#!lua
-- The owner's reply to a question.
-- Atomic because only the owner may reply, and only to a question that is open.
-- KEYS[1] run: hash
-- KEYS[2] questions: hash, see parts/questions
-- KEYS[3] reply: string
-- ARGV[1] question: its id
-- ARGV[2] fence: the caller's
-- ARGV[3] owner: token of the caller's claim
-- ARGV[4] data: payload bytes
-- ARGV[5] keep: milliseconds until the reply is dropped
-- ARGV[6] channel: on which changes of the run are announced
-- Returns {'replied'} | {'gone'} | {'fenced'}
-- Keeps: a question has one reply, of the owner of its run.
local run, questions, reply = KEYS[1], KEYS[2], KEYS[3]
local question, channel = ARGV[1], ARGV[6]

-- include parts/questions.lua

local m = redis.call('HMGET', run, 'fence', 'owner')
if m[1] ~= ARGV[2] or m[2] ~= ARGV[3] then return {'fenced'} end
local field = fieldOf(questions, question)
if not field then return {'gone'} end
redis.call('HDEL', questions, field)
redis.call('SET', reply, ARGV[4], 'PX', ARGV[5])
-- The tilde says: the run has not come to its end.
redis.call('SPUBLISH', channel, '~0')
return {'replied'}
