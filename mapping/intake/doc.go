// Package intake accounts for lists that are brought into the page table: what is in
// files, read one after the other, and what the table has to say to it.
//
// Every line has one verdict (package exchange). A row that an earlier file has is a
// duplicate, or where it says otherwise a conflict. Once there is a plan
// (postgres.DB.Import), a line whose row would make a loop is refused, and one whose
// row is in the way of another person's is told of. What is not accepted holds up
// everything, unless it is left out on purpose.
//
// pagemapctl's import and apply and the admin page's import tell what is told here.
package intake
