-- Two modules whose library is one: loaded once, unloaded after both.
local deposit, withdraw = require "deposit", require "withdraw"
print(withdraw.balance())
deposit.book(5)
print(withdraw.balance())
withdraw.book(12)
print(withdraw.balance(), pcall(withdraw.book, 4))

deposit.listen(function(who, balance)
  print("heard", who, balance)
  if balance > 1000 then error("too much", 0) end
end)
deposit.book(500); withdraw.book(100)
print(pcall(deposit.book, 5000))
print(withdraw.balance())
deposit.listen(function() end)
